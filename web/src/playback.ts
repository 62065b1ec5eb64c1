/**
 * Shows every pose although lifting takes longer than a frame: each lift gives the poses of all new ticks, which are
 * shown in even steps, late by as long as it takes until the next ones come.
 */
import { JOINTS } from "./clip";
import { RATE } from "./clock";

const FORGET = 0.2; // share of the way to a new measurement that the delay goes

export class Playback {
  #poses: { time: number; pose: Float64Array }[] = [];
  #shown = -Infinity;
  #delay = 0;

  restart(): void {
    this.#poses = [];
    this.#shown = -Infinity;
    this.#delay = 0;
  }

  /**
   * Add the poses of a window whose last tick is at `end`.
   *
   * @param ahead Ticks at the end that are left out, because the model knows too little of what follows them.
   * @param waited Seconds until the next window will be lifted, counted from the end of this one.
   */
  add(pose3d: Float64Array, end: number, ahead: number, waited: number): void {
    const frames = pose3d.length / (JOINTS * 3);
    this.#poses = this.#poses.filter(({ time }) => time <= this.#shown).slice(-1);
    for (let t = 0; t < frames - ahead; t++) {
      const time = end - (frames - 1 - t) / RATE;
      if (time > this.#shown) this.#poses.push({ time, pose: pose3d.slice(t * JOINTS * 3, (t + 1) * JOINTS * 3) });
    }
    const delay = waited + ahead / RATE;
    this.#delay = Math.max(this.#delay ? this.#delay + FORGET * (delay - this.#delay) : delay, ahead / RATE);
  }

  /** The pose to show when the newest frame is that of `now`, and its time; null if there is no new one. */
  at(now: number): { pose: Float64Array; time: number } | null {
    const last = this.#poses[this.#poses.length - 1];
    if (!last) return null;
    const time = Math.min(now - this.#delay, last.time);
    if (!(time > this.#shown)) return null;
    this.#shown = time;
    const right = this.#poses.findIndex((pose) => pose.time >= time), end = this.#poses[right];
    const start = this.#poses[Math.max(right - 1, 0)], span = end.time - start.time;
    const share = span > 0 ? Math.max((time - start.time) / span, 0) : 1;
    this.#poses.splice(0, Math.max(right - 1, 0));
    return { pose: end.pose.map((value, i) => start.pose[i] + share * (value - start.pose[i])), time };
  }
}
