"use strict";
// Plays a 3D motion on plain 2D canvases: a skeleton and a grid need no 3D library.
// Axes of the scene: x right, y down, z away; metres from the ground.
(() => {
  const motion = JSON.parse(document.getElementById("motion").textContent);
  const $ = (id) => document.getElementById(id);

  // ---- the data
  const bytes = (text) => {
    const raw = atob(text), out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
    return out;
  };
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const numbers = (text, Type) => {
    const out = bytes(text);
    if (!littleEndian) for (let i = 0; i < out.length; i += Type.BYTES_PER_ELEMENT) {
      out.subarray(i, i + Type.BYTES_PER_ELEMENT).reverse();
    }
    return new Type(out.buffer);
  };
  const UNKNOWN = -32768;
  const frames = motion.frames, fps = motion.fps, body = motion.body, flat = motion.flat;
  const valid = bytes(motion.valid), kept = motion.kept && bytes(motion.kept);
  const steps = numbers(body.points, Int16Array);
  const flatSteps = flat && numbers(flat.points, Int16Array);
  const times = motion.times && numbers(motion.times, Float32Array);
  const timeOf = (i) => (times ? times[i] - times[0] : i / fps);
  const length = timeOf(frames - 1) + 1 / fps;
  const frameAt = (seconds) => {
    if (!times) return Math.min(frames - 1, Math.max(0, Math.floor(seconds * fps + 1e-6)));
    let low = 0, high = frames - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (timeOf(middle) <= seconds + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  };
  const pose = (source, part, axes, i) => {
    const joints = part.joints, out = new Array(joints);
    for (let j = 0; j < joints; j++) {
      const at = (i * joints + j) * axes;
      out[j] = source[at] === UNKNOWN ? null : Array.from(source.subarray(at, at + axes), (v) => v * part.step);
    }
    return out;
  };

  // ---- state
  const home = motion.camera;
  const view = { yaw: home.yaw, pitch: home.pitch, distance: home.distance, pan: [0, 0, 0] };
  let frame = 0, playing = false, seconds = 0, before = null, speed = 1, dirty = true;

  const seek = (i) => {
    frame = Math.min(frames - 1, Math.max(0, Math.round(i)));
    seconds = timeOf(frame);
    dirty = true;
  };
  const setPlaying = (on) => {
    playing = on && frames > 1;
    before = null;
    $("icon").setAttribute("d", playing ? "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z" : "M8 5v14l11-7z");
    $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
    dirty = true;
  };
  const resetView = () => {
    Object.assign(view, { yaw: home.yaw, pitch: home.pitch, distance: home.distance, pan: [0, 0, 0] });
    dirty = true;
  };

  // ---- the stage
  const css = (c, alpha = 1) => `rgba(${c[0]},${c[1]},${c[2]},${alpha})`;
  const mix = (a, b, share) => a.map((v, i) => Math.round(v + (b[i] - v) * share));
  const clamp = (v, low, high) => Math.min(high, Math.max(low, v));
  const colours = motion.colours, NIGHT = colours.night;
  const SIDES = [colours.bone, colours.left, colours.right];
  const NEAR = 0.15; // metres: anything nearer to the camera is not drawn

  // Gives a canvas the resolution of the screen. Its context draws in CSS pixels.
  const fit = (canvas, width = canvas.clientWidth, height = canvas.clientHeight) => {
    const ratio = window.devicePixelRatio || 1, wide = Math.round(width * ratio), high = Math.round(height * ratio);
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    return [pen, width, height];
  };
  const axes = () => {
    const yaw = view.yaw * Math.PI / 180, pitch = view.pitch * Math.PI / 180;
    const s = Math.sin(yaw), c = Math.cos(yaw), u = Math.sin(pitch), l = Math.cos(pitch);
    return [[c, 0, s], [s * u, l, -c * u], [-s * l, u, c * l]];
  };
  const dot = (a, x, y, z) => a[0] * x + a[1] * y + a[2] * z;
  const focal = (width, height) => home.zoom * Math.min(height, 1.2 * width);
  const projector = (width, height) => {
    const [right, down, away] = axes(), scale = focal(width, height), [px, py, pz] = view.pan;
    return (p) => {
      const x = p[0] - px, y = p[1] + home.height - py, z = p[2] - pz;
      const depth = dot(away, x, y, z) + view.distance, over = scale / Math.max(depth, 1e-3);
      return [width / 2 + dot(right, x, y, z) * over, height / 2 + dot(down, x, y, z) * over, depth];
    };
  };
  // The joints of a frame, relative to the ground under the root, which the camera follows.
  const placed = (i) => {
    const points = pose(steps, body, 3, i), known = body.middle.every((j) => points[j]);
    const mean = (axis) => body.middle.reduce((sum, j) => sum + points[j][axis], 0) / body.middle.length;
    const middle = known ? [mean(0), mean(2)] : [0, 0];
    return [points.map((p) => p && [p[0] - middle[0], p[1], p[2] - middle[1]]), middle];
  };
  const capsule = (pen, a, b, ra, rb, colour) => {
    const angle = Math.atan2(b[1] - a[1], b[0] - a[0]), quarter = Math.PI / 2;
    pen.beginPath();
    pen.arc(a[0], a[1], ra, angle + quarter, angle - quarter);
    pen.arc(b[0], b[1], rb, angle - quarter, angle + quarter);
    pen.closePath();
    pen.fillStyle = colour;
    pen.fill();
  };
  const CELL = motion.grid.cell, REACH = motion.grid.reach, LEVELS = 12, shading = motion.shading;
  const drawGrid = (pen, project, middle) => {
    const cells = Math.ceil(REACH / CELL) + 1, paths = Array.from({ length: LEVELS + 1 }, () => new Path2D());
    const offset = middle.map((v) => ((v % CELL) + CELL) % CELL);
    for (const turned of [false, true]) for (let n = -cells; n <= cells; n++) {
      let last = null;
      for (let m = -2 * cells; m <= 2 * cells; m++) {
        const along = m * CELL / 2 - offset[turned ? 0 : 1], across = n * CELL - offset[turned ? 1 : 0];
        const p = turned ? [along, 0, across] : [across, 0, along], projected = project(p);
        if (last) {
          const away = Math.hypot((p[0] + last[0][0]) / 2, (p[2] + last[0][2]) / 2) / REACH;
          const level = Math.round(LEVELS * (1 - away * away));
          if (level > 0 && projected[2] > NEAR && last[1][2] > NEAR) {
            paths[level].moveTo(last[1][0], last[1][1]);
            paths[level].lineTo(projected[0], projected[1]);
          }
        }
        last = [p, projected];
      }
    }
    pen.lineWidth = 1;
    paths.forEach((path, level) => {
      pen.strokeStyle = `rgba(120,142,184,${0.5 * level / LEVELS})`;
      pen.stroke(path);
    });
  };
  const shade = document.createElement("canvas");
  const drawShadow = (pen, project, points, width, height, scale) => {
    // Drawing small and enlarging is the cheapest blur in any browser.
    const part = 10;
    Object.assign(shade, { width: Math.ceil(width / part), height: Math.ceil(height / part) });
    const small = shade.getContext("2d");
    for (const [far, near] of body.bones) {
      if (!points[far] || !points[near]) continue;
      const [a, b] = [far, near].map((j) => project([points[j][0], 0, points[j][2]]));
      if (a[2] < NEAR || b[2] < NEAR) continue;
      const [ra, rb] = [[far, a], [near, b]].map(([j, p]) => body.girths[j] / p[2] * scale / part);
      capsule(small, a.map((v) => v / part), b.map((v) => v / part), ra, rb, "#000");
    }
    pen.globalAlpha = 0.6;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(shade, 0, 0, shade.width * part, shade.height * part);
    pen.globalAlpha = 1;
  };
  const drawStage = () => {
    const [pen, width, height] = fit($("stage")), project = projector(width, height);
    const [points, middle] = placed(frame), scale = focal(width, height), dim = !valid[frame];
    drawGrid(pen, project, middle);
    drawShadow(pen, project, points, width, height, scale);
    const projected = points.map((p) => p && project(p));
    body.bones
      .map(([far, near], n) => ({ far, near, side: SIDES[body.sides[n]] }))
      .filter(({ far, near }) => projected[far] && projected[near] && Math.min(projected[far][2], projected[near][2]) > NEAR)
      .map((bone) => ({ ...bone, depth: (projected[bone.far][2] + projected[bone.near][2]) / 2 }))
      .sort((a, b) => b.depth - a.depth)
      .forEach(({ far, near, side, depth }) => {
        const distance = shading.per_metre * (depth - view.distance) + shading.near;
        const gloom = dim ? shading.dimmed : clamp(distance, 0, shading.most);
        const colour = mix(side, NIGHT, gloom);
        const ra = body.girths[far] / projected[far][2] * scale, rb = body.girths[near] / projected[near][2] * scale;
        const rim = shading.rim_pixels, size = shading.highlight, shift = shading.shift;
        capsule(pen, projected[far], projected[near], ra + rim, rb + rim, css(mix(colour, NIGHT, shading.rim)));
        capsule(pen, projected[far], projected[near], ra, rb, css(mix(colour, NIGHT, shading.shade)));
        const lit = [[projected[far], ra], [projected[near], rb]].map(([p, r]) => [p[0] - shift * r, p[1] - shift * r]);
        capsule(pen, lit[0], lit[1], size * ra, size * rb, css(colour));
      });
  };

  // ---- the 2D keypoints
  const drawFlat = () => {
    if (!flat || $("inset").hidden) return;
    const room = $("stage"), most = Math.min(320, room.clientWidth * 0.3), high = Math.min(240, room.clientHeight * 0.4);
    const zoom = Math.min(most / flat.size[0], high / flat.size[1]);
    const canvas = $("flat"), width = Math.round(flat.size[0] * zoom), height = Math.round(flat.size[1] * zoom);
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const [pen] = fit(canvas, width, height);
    const points = pose(flatSteps, flat, 2, frame).map((p) => p && [p[0] * zoom, p[1] * zoom]);
    pen.lineCap = "round";
    pen.lineWidth = 2.2;
    flat.bones.forEach(([far, near], n) => {
      if (!points[far] || !points[near]) return;
      pen.strokeStyle = css(SIDES[flat.sides[n]]);
      pen.beginPath();
      pen.moveTo(...points[far]);
      pen.lineTo(...points[near]);
      pen.stroke();
    });
  };

  // ---- the timeline: one bar per frame; a long motion has two rows, the whole motion above and a close-up below
  const CLOSE = 240;
  const shadeOf = (i) => (!valid[i] ? colours.rose : kept && kept[i] ? colours.amber : colours.slate);
  const whole = document.createElement("canvas");
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
  const drawTimeline = () => {
    const [pen, width, height] = fit($("bars")), long = frames > width / 2, ratio = window.devicePixelRatio || 1;
    const high = long ? 10 : 16, top = long ? 7 : (height - high) / 2;
    if (whole.width !== Math.round(width * ratio) || whole.height !== Math.round(high * ratio)) {
      const [once] = fit(whole, width, high);
      drawBars(once, 0, frames, width, 0, high);
    }
    pen.drawImage(whole, 0, top, width, high);
    if (long) {
      const from = clamp(frame - CLOSE / 2, 0, Math.max(0, frames - CLOSE));
      drawBars(pen, from, from + Math.min(CLOSE, frames), width, 26, 12);
      pen.fillStyle = css(colours.ink);
      pen.fillRect((frame + 0.5 - from) * width / Math.min(CLOSE, frames) - 1, 23, 2, 18);
    }
    const x = (frame + 0.5) * width / frames;
    pen.fillStyle = css(colours.ink);
    pen.fillRect(x - 1, top - 4, 2, high + 8);
    pen.beginPath();
    pen.arc(x, top - 3, 4, 0, 2 * Math.PI);
    pen.fill();
  };

  const clock = (t) => {
    const minutes = Math.floor(t / 60), hours = Math.floor(minutes / 60);
    const tail = `${String(minutes % 60).padStart(2, "0")}:${(t % 60).toFixed(2).padStart(5, "0")}`;
    return hours ? `${hours}:${tail}` : tail;
  };
  const draw = () => {
    drawStage();
    drawFlat();
    drawTimeline();
    $("note").hidden = Boolean(valid[frame]);
    $("scrub").value = frame;
    $("scrub").setAttribute("aria-valuetext", `frame ${frame} of ${frames}, ${clock(timeOf(frame))}`);
    $("clock").value = `${clock(timeOf(frame))} / ${clock(length)}`;
    $("count").value = `frame ${frame} of ${frames}${kept && kept[frame] ? " · kept" : ""}`;
    $("count").className = kept && kept[frame] ? "kept" : "";
  };
  const tick = (now) => {
    if (playing) {
      if (before !== null) {
        // After the tab was suspended, playback resumes where it stopped.
        seconds = (seconds + Math.min((now - before) / 1000, 0.25) * speed) % length;
        const next = frameAt(seconds);
        dirty ||= next !== frame;
        frame = next;
      }
      before = now;
    }
    if (dirty) {
      dirty = false;
      draw();
    }
    requestAnimationFrame(tick);
  };

  // ---- mouse, touch and keyboard
  const stage = $("stage"), fingers = new Map();
  const zoomBy = (factor) => { view.distance = clamp(view.distance * factor, 1, 30); dirty = true; };
  const turnBy = (x, y) => {
    view.yaw = ((view.yaw + x + 180) % 360 + 360) % 360 - 180;
    view.pitch = clamp(view.pitch + y, -10, 89);
    dirty = true;
  };
  const panBy = (x, y) => {
    const [right, down] = axes(), size = view.distance / focal(stage.clientWidth, stage.clientHeight);
    view.pan = view.pan.map((v, i) => clamp(v - (right[i] * x + down[i] * y) * size, -10, 10));
    dirty = true;
  };
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    $("hint").hidden = true;
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const next = [event.clientX, event.clientY], moved = [next[0] - last[0], next[1] - last[1]];
    if (fingers.size === 1) {
      if (event.shiftKey || event.buttons & 6) panBy(...moved); else turnBy(-0.4 * moved[0], 0.4 * moved[1]);
    } else { // two fingers move and zoom
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      zoomBy(apart(last) / apart(next));
      panBy(moved[0] / 2, moved[1] / 2);
    }
    fingers.set(event.pointerId, next);
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    stage.addEventListener(kind, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(Math.exp(clamp(event.deltaMode ? event.deltaY * 16 : event.deltaY, -200, 200) * 0.0012));
  }, { passive: false });
  stage.addEventListener("dblclick", resetView);

  const step = (by) => { setPlaying(false); seek(frame + by); };
  $("play").addEventListener("click", () => setPlaying(!playing));
  $("back").addEventListener("click", () => step(-1));
  $("on").addEventListener("click", () => step(1));
  $("reset").addEventListener("click", resetView);
  $("speed").addEventListener("change", () => { speed = Number($("speed").value); });
  $("flatten").addEventListener("click", () => {
    $("inset").hidden = !$("inset").hidden;
    $("flatten").setAttribute("aria-pressed", String(!$("inset").hidden));
    dirty = true;
  });
  $("scrub").addEventListener("input", () => seek(Number($("scrub").value)));
  // A range input's thumb does not reach the edges as the bars do, so the pointer sets the frame directly.
  let held = false;
  const point = (event) => {
    const box = $("scrub").getBoundingClientRect();
    seek(Math.floor(clamp((event.clientX - box.left) / box.width, 0, 1) * frames));
  };
  $("scrub").addEventListener("pointerdown", (event) => {
    event.preventDefault();
    held = true;
    $("scrub").focus();
    $("scrub").setPointerCapture(event.pointerId);
    point(event);
  });
  $("scrub").addEventListener("pointermove", (event) => { if (held) point(event); });
  for (const kind of ["pointerup", "pointercancel"]) $("scrub").addEventListener(kind, () => { held = false; });

  const keys = {
    " ": () => setPlaying(!playing),
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => seek(0),
    End: () => seek(frames - 1),
    r: resetView,
    "+": () => zoomBy(0.9),
    "-": () => zoomBy(1 / 0.9),
  };
  const turns = { ArrowLeft: [5, 0], ArrowRight: [-5, 0], ArrowUp: [0, 5], ArrowDown: [0, -5] };
  document.addEventListener("keydown", (event) => {
    const on = event.target, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey || on.tagName === "SELECT") return;
    if (key === " " && on.tagName === "BUTTON" && on.id !== "play") return; // space presses a button
    if (on === stage && turns[key]) turnBy(...turns[key]);
    else if (keys[key]) keys[key]();
    else return;
    event.preventDefault();
  });
  // A browser clicks a focused button when space is released, but pressing the key has already played or paused.
  $("play").addEventListener("keyup", (event) => { if (event.key === " ") event.preventDefault(); });

  // ---- start
  $("facts").textContent = motion.facts;
  $("scrub").max = frames - 1;
  $("inset").hidden = $("flatten").hidden = !flat;
  document.querySelector("#legend .kept").hidden = !kept;
  document.querySelector("#legend .undetected").hidden = valid.every(Boolean);
  new ResizeObserver(() => { dirty = true; }).observe(document.body);
  setPlaying(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  requestAnimationFrame(tick);

  window.poseglass = {
    get frame() { return frame; },
    get frames() { return frames; },
    get playing() { return playing; },
    view,
    seek,
    play: () => setPlaying(true),
    pause: () => setPlaying(false),
    /** The joints of the frame on the canvas: x, y in CSS pixels, depth in metres; null if unknown. */
    project: () => placed(frame)[0].map((p) => p && projector(stage.clientWidth, stage.clientHeight)(p)),
    redraw: draw,
  };
})();
