/** The JSON file of a motion that `poseglass.PoseSequence.load` reads. As poseglass.body.pose_file. */
import type { About } from "./about";
import { JOINTS } from "./clip";
import { RATE } from "./clock";
import type { Size } from "./view";
import type { Motion } from "./windows";

export interface Recording {
  motion: Motion;
  /** The 2D poses in pixels, on the same clock. */
  points: Float64Array;
  scores: Float64Array;
  size: Size;
  /** The time of the first frame in the video, in seconds. */
  start: number;
}

function rows(values: ArrayLike<number>, ...shape: number[]): unknown {
  const round = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 : null);
  const nest = (start: number, [count, ...inner]: number[]): unknown => {
    if (count === undefined) return round(values[start]);
    const step = inner.reduce((a, b) => a * b, 1);
    return Array.from({ length: count }, (_, n) => nest(start + n * step, inner));
  };
  return nest(0, shape);
}

export function poseFile({ motion, points, scores, size, start }: Recording, about: About): string {
  const frames = motion.kept.length;
  const shared = {
    format: "poseglass pose sequence 1", skeleton: "h36m17", joints: about.joints, bones: about.bones, root: "pelvis",
    fps: RATE, start, scores: rows(scores, frames, JOINTS), size,
    valid: motion.kept.map((_, t) => scores.subarray(t * JOINTS, (t + 1) * JOINTS).some((score) => score > 0)),
  };
  const pose2d = { ...shared, space: "pixels", units: "pixels", points: rows(points, frames, JOINTS, 2) };
  const pose3d = {
    ...shared, space: "camera", units: "metres", points: rows(motion.pose3d, frames, JOINTS, 3), kept: motion.kept,
  };
  const flat = Object.fromEntries(Object.entries(pose2d).map(([name, value]) => [`pose2d.${name}`, value]));
  return JSON.stringify({ ...pose3d, ...flat });
}
