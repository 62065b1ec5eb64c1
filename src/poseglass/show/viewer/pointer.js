// Mouse and touch on the stage: one finger turns, two move and zoom.

function listenToPointers(stage, camera, onChange) {
  const fingers = new Map();
  const panBy = (x, y) => camera.panBy(x, y, stage.clientWidth, stage.clientHeight);
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    document.getElementById("hint").hidden = true;
  });
  stage.addEventListener("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const next = [event.clientX, event.clientY], moved = [next[0] - last[0], next[1] - last[1]];
    if (fingers.size === 1) {
      if (event.shiftKey || event.buttons & 6) panBy(...moved); else camera.turnBy(-0.4 * moved[0], 0.4 * moved[1]);
    } else {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]) || 1;
      camera.zoomBy(apart(last) / apart(next));
      panBy(moved[0] / 2, moved[1] / 2);
    }
    fingers.set(event.pointerId, next);
    onChange();
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    stage.addEventListener(kind, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    camera.zoomBy(Math.exp(clamp(event.deltaMode ? event.deltaY * 16 : event.deltaY, -200, 200) * 0.0012));
    onChange();
  }, { passive: false });
  stage.addEventListener("dblclick", () => {
    camera.reset();
    onChange();
  });
}

// A range input's thumb does not reach the edges as the bars do, so the pointer sets the frame directly.
function listenToScrubbing(scrub, frames, seek) {
  let held = false;
  const point = (event) => {
    const box = scrub.getBoundingClientRect();
    seek(Math.floor(clamp((event.clientX - box.left) / box.width, 0, 1) * frames));
  };
  scrub.addEventListener("input", () => seek(Number(scrub.value)));
  scrub.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    held = true;
    scrub.focus();
    scrub.setPointerCapture(event.pointerId);
    point(event);
  });
  scrub.addEventListener("pointermove", (event) => { if (held) point(event); });
  for (const kind of ["pointerup", "pointercancel"]) scrub.addEventListener(kind, () => { held = false; });
}
