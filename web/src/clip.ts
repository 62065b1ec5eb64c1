/** Number of joints of Human3.6M, which all models take. */
export const JOINTS = 17;

/** 2D poses in consecutive frames, in pixels. A joint with score 0 is unknown. */
export interface Clip {
  frames: number;
  /** x and y of each joint of each frame. */
  points: Float64Array;
  /** One score per joint and frame. */
  scores: Float64Array;
}

/** An empty clip of this many frames. */
export function emptyClip(frames: number): Clip {
  return { frames, points: new Float64Array(frames * JOINTS * 2), scores: new Float64Array(frames * JOINTS) };
}

/** Frames of a clip from a start on; before and after the clip, its first and last frame are repeated. */
export function cut(clip: Clip, start: number, frames: number): Clip {
  const part = emptyClip(frames);
  for (let t = 0; t < frames; t++) {
    const source = Math.min(Math.max(start + t, 0), clip.frames - 1);
    part.points.set(clip.points.subarray(source * JOINTS * 2, (source + 1) * JOINTS * 2), t * JOINTS * 2);
    part.scores.set(clip.scores.subarray(source * JOINTS, (source + 1) * JOINTS), t * JOINTS);
  }
  return part;
}

/** The median; for an even count, the mean of the middle two. */
export function median(values: ArrayLike<number>): number {
  const ordered = Float64Array.from(values).sort(), count = ordered.length;
  return (ordered[(count - 1) >> 1] + ordered[count >> 1]) / 2;
}
