// Keeps the video in step with the motion: a small copy inside the page, or a file that the user opens.
// The video stays on the user's computer; the page sends nothing.

const DRIFT = 0.12; // seconds that a playing video may be off before it is corrected

function makeVideo(motion, element, onReady) {
  let ready = false;
  const open = (blob) => {
    if (element.src) URL.revokeObjectURL(element.src);
    element.src = URL.createObjectURL(blob);
  };
  const embedded = document.getElementById("clip").textContent;
  element.addEventListener("loadeddata", () => {
    ready = true;
    element.hidden = false;
    onReady();
  });
  element.addEventListener("seeked", () => onReady()); // from the filming camera, the stage shows the video's image
  element.addEventListener("error", () => {
    ready = false;
    element.hidden = true;
    onReady(element.src ? "this browser cannot play the video" : "");
  });
  if (embedded) open(new Blob([bytesOf(embedded)], { type: "video/mp4" }));

  return {
    get ready() { return ready; },
    element,
    open,
    follow: (frame, playing, speed) => {
      if (!ready) return;
      const wanted = motion.timeOf(frame) + 0.3 / motion.fps; // inside the frame, not on its edge
      const still = !playing || wanted >= element.duration;
      const late = Math.abs(element.currentTime - wanted);
      if (late > (still ? 0.2 / motion.fps : DRIFT * Math.max(1, speed))) {
        if (!element.seeking) element.currentTime = Math.min(wanted, element.duration || wanted);
      }
      element.playbackRate = clamp(speed, 0.0625, 16);
      if (still && !element.paused) element.pause();
      if (!still && element.paused) element.play().catch(() => {}); // interrupted by a pause
    },
  };
}
