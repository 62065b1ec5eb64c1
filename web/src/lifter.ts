/** The lifting worker as functions. */
import type { ModelFacts } from "./about";
import type { TimedPose } from "./clock";
import type { Size } from "./view";
import type { Motion } from "./windows";
import type { Answer, Request } from "./worker";

type Live = Extract<Answer, { kind: "live" }>;
type Lifted = Extract<Answer, { kind: "clip" }>;

export class Lifter {
  readonly #worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  readonly #waiting: { done: (answer: Answer) => void; failed: (problem: Error) => void }[] = [];

  constructor() {
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const next = this.#waiting.shift();
      if (data.kind === "error") next?.failed(new Error(data.message));
      else next?.done(data);
    };
    this.#worker.onerror = (event) => {
      for (const { failed } of this.#waiting.splice(0)) failed(new Error(event.message || "the worker did not start"));
    };
  }

  #ask(request: Request): Promise<Answer> {
    return new Promise((done, failed) => {
      this.#waiting.push({ done, failed });
      this.#worker.postMessage(request);
    });
  }

  async load(name: string, facts: ModelFacts): Promise<void> {
    await this.#ask({ kind: "model", url: new URL(`models/${name}.onnx`, document.baseURI).href, facts });
  }

  /** The motion in the window that ends with the last of these frames. */
  async live(poses: TimedPose[], size: Size, keep: number): Promise<Motion> {
    return ((await this.#ask({ kind: "live", poses, size, keep })) as Live).motion;
  }

  /** The motion of all frames, on an even clock. */
  async clip(poses: TimedPose[], size: Size, keep: number): Promise<Lifted> {
    return (await this.#ask({ kind: "clip", poses, size, keep })) as Lifted;
  }
}
