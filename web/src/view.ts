/** The models' input, and the turn of their poses into camera space. As poseglass.clips.view. */
import { JOINTS, type Clip } from "./clip";
import { measure, personCoordinates } from "./person";
import { steadySides } from "./sides";

const USUAL_FOCAL = 1.1; // focal length of an ordinary lens, as a multiple of the image's longer side

export type Size = readonly [width: number, height: number];

export interface View {
  /** x, y and score of each joint of each frame. */
  pose2d: Float32Array;
  /** The rotation of each frame, by rows; `pose * rotation` is in camera space. */
  rotations: Float64Array;
}

/** Prepare a clip of an image of this size in pixels. */
export function personView(clip: Clip, size: Size): View {
  const steady = steadySides(clip), { pelvis, ever } = measure(steady), rotations = new Float64Array(clip.frames * 9);
  const known = ever.some(Boolean);
  for (let t = 0; t < clip.frames; t++) {
    const at: [number, number] = known ? [pelvis[t * 2], pelvis[t * 2 + 1]] : [size[0] / 2, size[1] / 2];
    rotations.set(facing(at, size), t * 9);
  }
  return { pose2d: personCoordinates(steady), rotations };
}

/** The smallest rotation from camera space to the axes of a camera that faces this pixel. */
function facing(pixel: readonly [number, number], size: Size): number[] {
  const focal = USUAL_FOCAL * Math.max(...size), ray = [0, 1].map((axis) => (pixel[axis] - size[axis] / 2) / focal);
  const length = Math.hypot(...ray, 1), [x, y, z] = [ray[0] / length, ray[1] / length, 1 / length];
  const share = 1 / (1 + z); // Rodrigues' formula about the axis (y, -x, 0)
  return [1 - share * x * x, -share * x * y, -x, -share * x * y, 1 - share * y * y, -y, x, y, z];
}

/** Convert the model's poses of all frames to metres in camera space, relative to the pelvis. */
export function toCamera(pose3d: ArrayLike<number>, rotations: Float64Array): Float64Array {
  const out = new Float64Array(pose3d.length);
  for (let t = 0; t < rotations.length / 9; t++) for (let j = 0; j < JOINTS; j++) {
    const root = t * JOINTS * 3, row = root + j * 3;
    for (let axis = 0; axis < 3; axis++) {
      let sum = 0;
      for (let from = 0; from < 3; from++) sum += (pose3d[row + from] - pose3d[root + from]) * rotations[t * 9 + from * 3 + axis];
      out[row + axis] = sum;
    }
  }
  return out;
}
