/** Lift a clip of any length: overlapping windows, blended. As poseglass.lifting.predictor. */
import { cut, JOINTS, type Clip } from "./clip";
import { personView, toCamera, type Size } from "./view";

const OVERLAP = 1 / 3;

/** Runs a model on one window: x, y and score of each joint in, its poses and the indices of its kept frames out. */
export type Model = (pose2d: Float32Array) => Promise<{ pose3d: Float32Array; kept: number[] }>;

export interface Motion {
  /** Root-relative positions in camera space, in metres: x, y and z of each joint of each frame. */
  pose3d: Float64Array;
  /** Whether a window kept the frame in the model's middle layers. */
  kept: boolean[];
}

/** The weight of each frame of a window; it falls smoothly towards both ends. */
export function blendWeights(frames: number, overlap: number): number[] {
  return Array.from({ length: frames }, (_, t) => {
    const ramp = Math.min(t + 1, frames - t) / (overlap + 1);
    return Math.sin((Math.PI / 2) * Math.min(ramp, 1)) ** 2;
  });
}

/** Lift a single window. */
export async function liftWindow(model: Model, window: Clip, size: Size): Promise<Motion> {
  const { pose2d, rotations } = personView(window, size), answer = await model(pose2d), kept = new Set(answer.kept);
  return {
    pose3d: toCamera(answer.pose3d, rotations),
    kept: Array.from({ length: window.frames }, (_, t) => kept.has(t)),
  };
}

/** Lift a whole clip, whose frames are evenly spaced in time. */
export async function liftClip(model: Model, clip: Clip, size: Size, frames: number): Promise<Motion> {
  const stride = Math.max(Math.round(frames * (1 - OVERLAP)), 1), weights = blendWeights(frames, frames - stride);
  const starts: number[] = [], last = Math.max(clip.frames - frames, 0);
  for (let start = 0; start < last; start += stride) starts.push(start);
  starts.push(last);
  const pose3d = new Float64Array(clip.frames * JOINTS * 3), total = new Float64Array(clip.frames);
  const kept = new Array<boolean>(clip.frames).fill(false);
  let held: Float64Array | null = null; // the last pose, held while nobody is in view for a whole window
  for (const start of starts) {
    const window = cut(clip, start, frames);
    const lifted: Motion | null = held && !window.scores.some((score) => score > 0) ? null : await liftWindow(model, window, size);
    for (let t = 0; t < Math.min(frames, clip.frames - start); t++) {
      const row = start + t, poses: Float64Array = lifted?.pose3d ?? held!, from = lifted ? t * JOINTS * 3 : 0;
      for (let i = 0; i < JOINTS * 3; i++) pose3d[row * JOINTS * 3 + i] += weights[t] * poses[from + i];
      total[row] += weights[t];
      kept[row] ||= lifted?.kept[t] ?? false;
    }
    held = lifted ? lifted.pose3d.slice((frames - 1) * JOINTS * 3) : held;
  }
  for (let i = 0; i < pose3d.length; i++) pose3d[i] /= total[Math.floor(i / (JOINTS * 3))];
  return { pose3d, kept };
}
