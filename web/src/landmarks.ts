/** MediaPipe's landmarks to Human3.6M's joints in pixels. As poseglass.detect.mediapipe and poseglass.body.skeleton. */
import type { TimedPose } from "./clock";
import { JOINTS } from "./clip";
import type { Size } from "./view";

const OUTSIDE = 0.1; // the highest score of a joint outside the image, where the network only guesses

export interface Landmark {
  x: number;
  y: number;
  visibility?: number;
  presence?: number;
}

/**
 * The pose of a person, or of nobody.
 *
 * @param conversion The weight of each landmark, by joint: `poseglass.body.skeleton.conversion`.
 */
export function toPose(
  landmarks: readonly Landmark[] | undefined, size: Size, time: number, conversion: readonly (readonly number[])[],
): TimedPose {
  const points = new Float64Array(JOINTS * 2), scores = new Float64Array(JOINTS);
  if (!landmarks) return { time, points, scores };
  const sure = landmarks.map(({ x, y, visibility, presence }) => {
    const inside = x >= 0 && x <= 1 && y >= 0 && y <= 1;
    return Math.min(visibility ?? 0, presence ?? visibility ?? 0, inside ? 1 : OUTSIDE);
  });
  conversion.forEach((row, j) => {
    let score = 1;
    row.forEach((weight, n) => {
      if (!weight) return;
      score = Math.min(score, sure[n]);
      if (!(sure[n] > 0)) return;
      points[j * 2] += weight * landmarks[n].x * size[0];
      points[j * 2 + 1] += weight * landmarks[n].y * size[1];
    });
    scores[j] = score;
  });
  return { time, points, scores };
}
