/** The frame and the 2D pose over it. */
import { css, line } from "virtual:viewer";
import type { Scene } from "./about";
import type { TimedPose } from "./clock";
import type { Size } from "./view";

const LONGEST = 1280; // pixels: frames with a longer side are copied smaller
const SURE = 0.3; // joints with a lower score are not drawn

/** Copy the current frame, so that the detector sees the same as the person before the screen. */
export function copyFrame(canvas: HTMLCanvasElement, video: HTMLVideoElement): void {
  const zoom = Math.min(1, LONGEST / Math.max(video.videoWidth, video.videoHeight));
  const width = Math.round(video.videoWidth * zoom), height = Math.round(video.videoHeight * zoom);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.getContext("2d")!.drawImage(video, 0, 0, width, height);
}

/** Draw the pose over the frame that it was detected in; it is in pixels of an image of this size. */
export function drawPose(canvas: HTMLCanvasElement, pose: TimedPose, size: Size, scene: Scene): void {
  const pen = canvas.getContext("2d")!, zoom = canvas.width / size[0];
  pen.lineCap = "round";
  pen.lineWidth = Math.max(3, canvas.height / 130);
  const at = (j: number): number[] => [pose.points[j * 2] * zoom, pose.points[j * 2 + 1] * zoom];
  scene.bones.forEach(([far, near], n) => {
    if (Math.min(pose.scores[far], pose.scores[near]) < SURE) return;
    pen.strokeStyle = css(scene.figure[scene.sides[n]]);
    line(pen, at(far), at(near));
  });
}
