/** Put frames of irregular timing on the even clock that the models were trained for. */
import { emptyClip, JOINTS, type Clip } from "./clip";

export const RATE = 30; // frames per second

/** A 2D pose at a time in seconds: x, y of each joint in pixels, and its scores. */
export interface TimedPose {
  time: number;
  points: Float64Array;
  scores: Float64Array;
}

/**
 * Interpolate poses, which are in order of time, at evenly spaced times. Before the first and after the last pose, these
 * are repeated. Between a known joint and an unknown one, the nearer counts.
 */
export function onClock(poses: readonly TimedPose[], first: number, frames: number): Clip {
  const clip = emptyClip(frames);
  let right = 0;
  for (let t = 0; t < frames; t++) {
    const time = first + t / RATE;
    while (right < poses.length - 1 && poses[right].time < time) right++;
    const end = poses[right], start = end.time > time ? poses[Math.max(right - 1, 0)] : end;
    const span = end.time - start.time, between = span > 0 ? Math.max((time - start.time) / span, 0) : 1;
    for (let j = 0; j < JOINTS; j++) {
      const both = start.scores[j] > 0 && end.scores[j] > 0, share = both ? between : Math.round(between);
      clip.scores[t * JOINTS + j] = start.scores[j] * (1 - share) + end.scores[j] * share;
      for (let axis = j * 2; axis < j * 2 + 2; axis++) {
        clip.points[t * JOINTS * 2 + axis] = start.points[axis] * (1 - share) + end.points[axis] * share;
      }
    }
  }
  return clip;
}

/** The number of ticks from the first to the last pose. */
export function ticks(poses: readonly TimedPose[]): number {
  return poses.length ? Math.floor((poses[poses.length - 1].time - poses[0].time) * RATE + 1e-6) + 1 : 0;
}
