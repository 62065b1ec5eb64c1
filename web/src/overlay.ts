/** The frame and the 2D pose over it. */
import { css, line } from "virtual:viewer";
import type { Scene } from "./about";
import type { TimedPose } from "./clock";

const SURE = 0.3; // joints with a lower score are not drawn

/** Draw the frame that was detected, so that picture and pose belong together. */
export function drawOverlay(canvas: HTMLCanvasElement, video: HTMLVideoElement, pose: TimedPose, scene: Scene): void {
  const width = Math.min(video.videoWidth, 960), zoom = width / video.videoWidth, height = Math.round(video.videoHeight * zoom);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext("2d")!;
  pen.drawImage(video, 0, 0, width, height);
  pen.lineCap = "round";
  pen.lineWidth = Math.max(3, height / 130);
  const at = (j: number): number[] => [pose.points[j * 2] * zoom, pose.points[j * 2 + 1] * zoom];
  scene.bones.forEach(([far, near], n) => {
    if (Math.min(pose.scores[far], pose.scores[near]) < SURE) return;
    pen.strokeStyle = css(scene.figure[scene.sides[n]]);
    line(pen, at(far), at(near));
  });
}
