// Small helpers for drawing on a 2D canvas.

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const css = (c, alpha = 1) => `rgba(${c[0]},${c[1]},${c[2]},${alpha})`;
const mix = (a, b, share) => a.map((v, i) => Math.round(v + (b[i] - v) * share));

// Gives a canvas the resolution of the screen. Its context draws in CSS pixels.
function fit(canvas, width = canvas.clientWidth, height = canvas.clientHeight) {
  const ratio = window.devicePixelRatio || 1, wide = Math.round(width * ratio), high = Math.round(height * ratio);
  if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

function line(pen, a, b) {
  pen.beginPath();
  pen.moveTo(a[0], a[1]);
  pen.lineTo(b[0], b[1]);
  pen.stroke();
}

// A limb: two discs and the area between them.
function capsule(pen, a, b, ra, rb, colour) {
  const angle = Math.atan2(b[1] - a[1], b[0] - a[0]), quarter = Math.PI / 2;
  pen.beginPath();
  pen.arc(a[0], a[1], ra, angle + quarter, angle - quarter);
  pen.arc(b[0], b[1], rb, angle - quarter, angle + quarter);
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
}
