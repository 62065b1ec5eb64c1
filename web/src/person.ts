/** Person coordinates: joints relative to the pelvis, in units of the body's size. As poseglass.clips.person. */
import { JOINTS, median, type Clip } from "./clip";

const FURTHEST = 30; // body sizes: coordinates beyond this are clipped

export interface Measures {
  /** The joints with gaps filled: x and y of each joint of each frame. */
  points: Float64Array;
  /** x and y of the pelvis in each frame. */
  pelvis: Float64Array;
  size: number;
  /** Whether the clip ever shows the joint. */
  ever: boolean[];
}

/** Interpolate unknown points between the joint's known neighbours in time. A joint that is never known becomes 0. */
export function fillGaps({ frames, points, scores }: Clip): Float64Array {
  const filled = new Float64Array(points.length);
  for (let j = 0; j < JOINTS; j++) {
    let before = -1;
    const put = (t: number, left: number, right: number): void => {
      const share = right > left ? (t - left) / (right - left) : 0;
      for (let axis = 0; axis < 2; axis++) {
        const start = points[(left * JOINTS + j) * 2 + axis], end = points[(right * JOINTS + j) * 2 + axis];
        filled[(t * JOINTS + j) * 2 + axis] = start + share * (end - start);
      }
    };
    for (let t = 0; t < frames; t++) {
      if (!(scores[t * JOINTS + j] > 0)) continue;
      for (let gap = before + 1; gap <= t; gap++) put(gap, before < 0 ? t : before, t);
      before = t;
    }
    if (before >= 0) for (let gap = before + 1; gap < frames; gap++) put(gap, before, before);
  }
  return filled;
}

/** Fill gaps, and measure the person's position and size. */
export function measure(clip: Clip): Measures {
  const { frames, scores } = clip, points = fillGaps(clip);
  const ever = Array.from({ length: JOINTS }, (_, j) => {
    for (let t = 0; t < frames; t++) if (scores[t * JOINTS + j] > 0) return true;
    return false;
  });
  const count = Math.max(ever.filter(Boolean).length, 1);
  const pelvis = new Float64Array(frames * 2), spread = new Float64Array(frames);
  for (let t = 0; t < frames; t++) {
    const at = (j: number, axis: number): number => points[(t * JOINTS + j) * 2 + axis];
    for (let axis = 0; axis < 2; axis++) {
      let sum = 0;
      for (let j = 0; j < JOINTS; j++) if (ever[j]) sum += at(j, axis);
      pelvis[t * 2 + axis] = ever[0] ? at(0, axis) : sum / count;
    }
    let squares = 0;
    for (let j = 0; j < JOINTS; j++) {
      if (ever[j]) squares += (at(j, 0) - pelvis[t * 2]) ** 2 + (at(j, 1) - pelvis[t * 2 + 1]) ** 2;
    }
    spread[t] = Math.sqrt(squares / count);
  }
  return { points, pelvis, size: Math.max(median(spread), 1e-9), ever };
}

/** The input of the models: x, y and score of each joint of each frame. */
export function personCoordinates(clip: Clip): Float32Array {
  const { frames, scores } = clip, { points, pelvis, size, ever } = measure(clip);
  const middle = [0, 1].map((axis) => median(Array.from({ length: frames }, (_, t) => pelvis[t * 2 + axis])));
  const out = new Float32Array(frames * JOINTS * 3);
  const clamp = (value: number): number => Math.min(Math.max(value, -FURTHEST), FURTHEST);
  for (let t = 0; t < frames; t++) for (let j = 0; j < JOINTS; j++) {
    const row = t * JOINTS + j;
    for (let axis = 0; axis < 2; axis++) {
      const centre = pelvis[t * 2 + axis];
      const value = j === 0 ? centre - middle[axis] : ever[j] ? points[row * 2 + axis] - centre : 0;
      out[row * 3 + axis] = clamp(value / size);
    }
    out[row * 3 + 2] = scores[row];
  }
  return out;
}
