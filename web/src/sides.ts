/** Correct stretches of frames in which the detector confuses left and right. As poseglass.clips.sides. */
import { JOINTS, type Clip } from "./clip";
import { measure } from "./person";

const LEFT = [4, 5, 6, 11, 12, 13], RIGHT = [1, 2, 3, 14, 15, 16]; // legs, then arms
const LEGS = [0, 1, 1, 0], ARMS = [0, 1, 0, 1]; // the states: which limbs are exchanged
const COST = [0, 0.15, 0.3, 0.3];
const LONGEST = 1; // body sizes: a longer jump costs no more

/** Which limbs are exchanged in each frame: 0 none, 1 all, 2 the legs, 3 the arms. */
export function exchanged(clip: Clip): number[] {
  const { frames } = clip;
  if (frames < 3) return new Array<number>(frames).fill(0);
  const { points, size, ever } = measure(clip);
  const leap = (t: number, start: number, end: number): number => {
    const a = (t * JOINTS + start) * 2, b = ((t + 1) * JOINTS + end) * 2;
    return Math.min(Math.hypot(points[b] - points[a], points[b + 1] - points[a + 1]) / size, LONGEST);
  };
  let total = [...COST];
  const previous: number[][] = [];
  for (let t = 0; t + 1 < frames; t++) {
    const legs = [0, 0], arms = [0, 0]; // how far the limbs move if the state stays, and if it changes
    LEFT.forEach((left, n) => {
      const right = RIGHT[n], limb = n < 3 ? legs : arms;
      if (!ever[left] || !ever[right]) return;
      limb[0] += leap(t, left, left) + leap(t, right, right);
      limb[1] += leap(t, left, right) + leap(t, right, left);
    });
    const best: number[] = [], from: number[] = [];
    for (let end = 0; end < 4; end++) {
      let least = Infinity, source = 0;
      for (let start = 0; start < 4; start++) {
        const cost = total[start] + legs[LEGS[start] ^ LEGS[end]] + arms[ARMS[start] ^ ARMS[end]];
        if (cost < least) [least, source] = [cost, start];
      }
      best.push(least + COST[end]);
      from.push(source);
    }
    total = best;
    previous.push(from);
  }
  let state = total.indexOf(Math.min(...total));
  const states = [state];
  for (let t = previous.length - 1; t >= 0; t--) states.push((state = previous[t][state]));
  return states.reverse();
}

/** The clip with exchanged sides corrected. */
export function steadySides(clip: Clip): Clip {
  const out: Clip = { frames: clip.frames, points: clip.points.slice(), scores: clip.scores.slice() };
  exchanged(clip).forEach((state, t) => LEFT.forEach((left, n) => {
    if (!(n < 3 ? LEGS : ARMS)[state]) return;
    const a = t * JOINTS + left, b = t * JOINTS + RIGHT[n];
    for (const [to, source] of [[a, b], [b, a]]) {
      out.points.set(clip.points.subarray(source * 2, source * 2 + 2), to * 2);
      out.scores[to] = clip.scores[source];
    }
  }));
  return out;
}
