/** Lifts in the background, so that detection and drawing go on meanwhile. */
import * as ort from "onnxruntime-web/wasm";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type { ModelFacts } from "./about";
import { JOINTS } from "./clip";
import { onClock, RATE, ticks, type TimedPose } from "./clock";
import type { Size } from "./view";
import { liftClip, liftWindow, type Model, type Motion } from "./windows";

export type Request =
  | { kind: "model"; url: string; facts: ModelFacts }
  | { kind: "live"; poses: TimedPose[]; size: Size; keep: number }
  | { kind: "clip"; poses: TimedPose[]; size: Size; keep: number };

/** The poses of a window, or a motion at 30 frames per second with the 2D poses that it was lifted from. */
export type Answer =
  | { kind: "ready" }
  | { kind: "live"; motion: Motion }
  | { kind: "clip"; motion: Motion; points: Float64Array; scores: Float64Array }
  | { kind: "error"; message: string };

ort.env.wasm.wasmPaths = { wasm };
ort.env.wasm.numThreads = 1; // more need headers that a plain file server does not send

let session: ort.InferenceSession;
let facts: ModelFacts;

function model(keep: number): Model {
  return async (pose2d) => {
    const feeds: Record<string, ort.Tensor> = { pose2d: new ort.Tensor("float32", pose2d, [1, facts.frames, JOINTS, 3]) };
    if (facts.keep) feeds.keep = new ort.Tensor("int64", BigInt64Array.of(BigInt(keep)), [1]);
    const answer = await session.run(feeds);
    const kept = Object.keys(answer).find((name) => name.startsWith("kept_"));
    return {
      pose3d: answer.pose3d.data as Float32Array,
      kept: kept ? Array.from(answer[kept].data as BigInt64Array, Number) : [],
    };
  };
}

async function answer(request: Request): Promise<Answer> {
  if (request.kind === "model") {
    facts = request.facts;
    session = await ort.InferenceSession.create(request.url);
    return { kind: "ready" };
  }
  const { poses, size, keep } = request;
  if (request.kind === "clip") {
    const clip = onClock(poses, poses[0].time, ticks(poses));
    return { kind: "clip", motion: await liftClip(model(keep), clip, size, facts.frames), points: clip.points, scores: clip.scores };
  }
  const { frames } = facts, window = onClock(poses, poses[poses.length - 1].time - (frames - 1) / RATE, frames);
  return { kind: "live", motion: await liftWindow(model(keep), window, size) };
}

let last = Promise.resolve(); // requests are answered one by one, in order
self.onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(async () => {
    try {
      postMessage(await answer(data));
    } catch (problem) {
      postMessage({ kind: "error", message: String(problem) } satisfies Answer);
    }
  });
};
