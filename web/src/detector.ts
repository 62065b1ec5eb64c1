/** MediaPipe's pose landmarker for one person. */
import { PoseLandmarker } from "@mediapipe/tasks-vision";
import wasmLoaderPath from "@mediapipe/tasks-vision/vision_wasm_internal.js?url";
import wasmBinaryPath from "@mediapipe/tasks-vision/vision_wasm_internal.wasm?url";
import type { Landmark } from "./landmarks";

export class Detector {
  #stamp = 0;
  #start = 0; // the stamp of time 0, so that stamps increase from one video to the next

  private constructor(private readonly landmarker: PoseLandmarker) {}

  /** Load the detector, on the graphics card if there is a real one. */
  static async load(): Promise<Detector> {
    const options = (delegate: "GPU" | "CPU") => ({
      baseOptions: { modelAssetPath: "models/pose_landmarker.task", delegate },
      runningMode: "VIDEO" as const,
    });
    const files = { wasmLoaderPath, wasmBinaryPath };
    if (hasGraphicsCard()) {
      try {
        return new Detector(await PoseLandmarker.createFromOptions(files, options("GPU")));
      } catch (problem) {
        console.info(`detection runs on the processor: ${String(problem)}`);
      }
    }
    return new Detector(await PoseLandmarker.createFromOptions(files, options("CPU")));
  }

  /** Forget the last video. */
  restart(): void {
    this.#start = this.#stamp + 1000;
  }

  /** The landmarks of the person in a frame, or undefined. Times, in seconds, increase until the restart. */
  detect(image: HTMLCanvasElement, time: number): Landmark[] | undefined {
    this.#stamp = Math.max(this.#stamp + 1, this.#start + Math.round(time * 1000));
    return this.landmarker.detectForVideo(image, this.#stamp).landmarks[0];
  }
}

function hasGraphicsCard(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  const details = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = details ? String(gl?.getParameter(details.UNMASKED_RENDERER_WEBGL)) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return Boolean(gl) && !/swiftshader|llvmpipe|software/i.test(renderer);
}
