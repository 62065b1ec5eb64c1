/** The camera or a video file as a playing video element, and messages for what can go wrong. */

const REFUSED: Record<string, string> = {
  NotAllowedError: "The browser may not use the camera. Allow it beside the address, then press Camera again.",
  NotFoundError: "There is no camera. Connect one, or open a video file.",
  NotReadableError: "Another program uses the camera. Close it, then press Camera again.",
  OverconstrainedError: "The camera has no suitable mode. Open a video file instead.",
};

/** An error whose message is for the person before the screen. */
export class SourceError extends Error {}

/** Why the page cannot run in this browser; undefined if it can. */
export function missing(): string | undefined {
  if (typeof WebAssembly !== "object") {
    return "This browser has no WebAssembly, or it is switched off. Use a current Firefox, Chrome, Edge or Safari.";
  }
  if (!("requestVideoFrameCallback" in HTMLVideoElement.prototype)) {
    return "This browser cannot give the page the frames of a video. Use a current Firefox, Chrome, Edge or Safari.";
  }
  return undefined;
}

/** Stop the camera or release the file. */
export function close(video: HTMLVideoElement): void {
  video.pause();
  if (video.srcObject instanceof MediaStream) for (const track of video.srcObject.getTracks()) track.stop();
  if (video.src) URL.revokeObjectURL(video.src);
  video.srcObject = null;
  video.removeAttribute("src");
}

export async function openCamera(video: HTMLVideoElement): Promise<void> {
  close(video);
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new SourceError("Browsers give the camera to pages from https:// or localhost only. Open a video file instead.");
  }
  try {
    const wanted = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    await video.play();
  } catch (problem) {
    throw new SourceError(REFUSED[(problem as Error).name] ?? `The camera did not start: ${(problem as Error).message}`);
  }
}

export async function openFile(video: HTMLVideoElement, file: File): Promise<void> {
  close(video);
  video.src = URL.createObjectURL(file);
  try {
    await video.play();
  } catch (problem) {
    if ((problem as Error).name === "AbortError") return; // another source was opened meanwhile
    throw new SourceError(`This browser cannot play ${file.name}. Try another format, such as MP4 with H.264, or WebM.`);
  }
}
