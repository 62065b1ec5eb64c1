/** From frames of the video to poses: detect each frame that there is time for, lift in the background, record. */
import type { About } from "./about";
import { RATE, type TimedPose } from "./clock";
import type { Detector } from "./detector";
import { toPose } from "./landmarks";
import type { Lifter } from "./lifter";
import { Playback } from "./playback";
import type { Recording } from "./posefile";
import { Meter } from "./rates";
import type { Size } from "./view";

const SURPLUS = 1; // seconds of poses held beyond a window

export interface Listener {
  detected(pose: TimedPose, size: Size): void;
  lifted(pose: Float64Array, seen: boolean): void;
  failed(problem: Error): void;
}

export interface Settings {
  model: string;
  keep: number;
  /** Frames of 1/30 s at the end of a window that are not shown; the model knows what follows the others. */
  ahead: number;
}

export class Session {
  readonly flat = new Meter();
  readonly lifts = new Meter();
  #poses: TimedPose[] = [];
  #recorded: TimedPose[] | null = null;
  readonly #playback = new Playback();
  /** Number of poses shown so far. */
  shown = 0;
  #lifting = false;
  #size: Size = [1, 1];

  constructor(
    private readonly about: About, private readonly detector: Detector, private readonly lifter: Lifter,
    private readonly settings: Settings, private readonly listener: Listener,
  ) {}

  get recording(): boolean {
    return this.#recorded !== null;
  }

  /** Forget the last video. */
  restart(): void {
    this.#poses = [];
    this.#playback.restart();
    this.detector.restart();
  }

  /** Detect a frame of a video of this size, and lift if the last lift is done. */
  frame(image: HTMLCanvasElement, size: Size, time: number): void {
    const arrived = performance.now();
    const last = this.#poses[this.#poses.length - 1];
    if (last && (time < last.time || size[0] !== this.#size[0] || size[1] !== this.#size[1])) this.restart();
    else if (last && time === last.time) return;
    this.#size = size;
    const pose = toPose(this.detector.detect(image, time), size, time, this.about.conversion);
    const held = this.about.models[this.settings.model].frames / RATE + SURPLUS;
    this.#poses = [...this.#poses.filter((earlier) => time - earlier.time < held), pose];
    this.#recorded?.push(pose);
    this.flat.mark();
    this.listener.detected(pose, size);
    const shown = this.#playback.at(time), seen = pose.scores.some((score) => score > 0);
    if (shown) {
      this.shown++;
      this.lifts.mark(performance.now() - arrived + 1000 * (time - shown.time));
      this.listener.lifted(shown.pose, seen);
    }
    if (!this.#lifting && seen) void this.#lift();
  }

  async #lift(): Promise<void> {
    const { keep, ahead } = this.settings, poses = this.#poses, start = performance.now();
    this.#lifting = true;
    try {
      const { pose3d } = await this.lifter.live(poses, this.#size, keep);
      const lifting = (performance.now() - start) / 1000, next = 1 / Math.max(this.flat.rate, 1);
      const waited = 2 * lifting + next; // for this window, for the frame that starts the next, and for that window
      if (this.#poses.includes(poses[poses.length - 1])) this.#playback.add(pose3d, poses[poses.length - 1].time, ahead, waited);
    } catch (problem) {
      this.listener.failed(problem as Error);
    }
    this.#lifting = false;
  }

  record(): void {
    this.#recorded = [];
  }

  /** Stop recording, and lift the recorded frames again, with what comes after each of them; null if there is nothing. */
  async finish(): Promise<Recording | null> {
    const poses = this.#recorded ?? [], size = this.#size;
    this.#recorded = null;
    if (!poses.some(({ scores }) => scores.some((score) => score > 0))) return null;
    const { motion, points, scores } = await this.lifter.clip(poses, size, this.settings.keep);
    return { motion, points, scores, size, start: poses[0].time };
  }
}
