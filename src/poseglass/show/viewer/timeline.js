// Draws the timeline: one bar per frame; a long motion has two rows, the whole motion above and a close-up below.

const CLOSE = 240; // frames of the close-up

function makeTimeline(motion, canvas) {
  const { frames, valid, kept, colours } = motion, whole = document.createElement("canvas");
  const shadeOf = (i) => (!valid[i] ? colours.rose : kept && kept[i] ? colours.amber : colours.slate);

  const drawBars = (pen, from, to, width, top, height) => {
    const count = to - from, each = width / count;
    if (each >= 1) {
      for (let i = from; i < to; i++) {
        pen.fillStyle = i < 0 || i >= frames ? "transparent" : css(shadeOf(i));
        pen.fillRect((i - from) * each, top, each - (each >= 3 ? 1 : 0), height);
      }
      return;
    }
    for (let x = 0; x < width; x++) { // several frames per pixel: their mean
      const first = from + Math.floor(x / each), last = Math.max(first + 1, from + Math.floor((x + 1) / each)), sum = [0, 0, 0];
      for (let i = first; i < last; i++) shadeOf(Math.min(i, frames - 1)).forEach((v, c) => { sum[c] += v; });
      pen.fillStyle = css(sum.map((v) => Math.round(v / (last - first))));
      pen.fillRect(x, top, 1, height);
    }
  };

  return {
    draw: (frame) => {
      const [pen, width, height] = fit(canvas), long = frames > width / 2, ratio = window.devicePixelRatio || 1;
      const high = long ? 10 : 16, top = long ? 7 : (height - high) / 2;
      if (whole.width !== Math.round(width * ratio) || whole.height !== Math.round(high * ratio)) {
        const [once] = fit(whole, width, high);
        drawBars(once, 0, frames, width, 0, high);
      }
      pen.drawImage(whole, 0, top, width, high);
      pen.fillStyle = css(colours.ink);
      if (long) {
        const from = clamp(frame - CLOSE / 2, 0, Math.max(0, frames - CLOSE));
        drawBars(pen, from, from + Math.min(CLOSE, frames), width, 26, 12);
        pen.fillStyle = css(colours.ink);
        pen.fillRect((frame + 0.5 - from) * width / Math.min(CLOSE, frames) - 1, 23, 2, 18);
      }
      const x = (frame + 0.5) * width / frames;
      pen.fillRect(x - 1, top - 4, 2, high + 8);
      pen.beginPath();
      pen.arc(x, top - 3, 4, 0, 2 * Math.PI);
      pen.fill();
    },
  };
}
