// Plays the motion on plain 2D canvases: skeletons and a grid need no 3D library.

const $ = (id) => document.getElementById(id);
const motion = readMotion(JSON.parse($("motion").textContent)), { frames, people } = motion;
const camera = makeCamera(motion), floor = makeFloor(motion), figures = makeFigures(motion);
const keypoints = makeKeypoints(motion, $("flat")), timeline = makeTimeline(motion, $("bars"));
const downloads = makeDownloads(motion), stage = $("stage");

// ---- state
let frame = 0, playing = false, seconds = 0, before = null, speed = 1, dirty = true;
let followed = "all", fixed = [0, 0, 0]; // whom the camera follows, and the point it looks at if nobody
const redraw = () => { dirty = true; };

const seek = (i) => {
  frame = clamp(Math.round(i), 0, frames - 1);
  seconds = motion.timeOf(frame);
  redraw();
};
const step = (by) => {
  setPlaying(false);
  seek(frame + by);
};
function setPlaying(on) {
  playing = on && frames > 1;
  before = null;
  $("icon").setAttribute("d", playing ? "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z" : "M8 5v14l11-7z");
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  redraw();
}
const plots = makePlots(motion, $("plots"), seek);
const video = makeVideo(motion, $("video"), (problem) => {
  if (problem) $("hint").textContent = problem;
  showInset();
  redraw();
});

// ---- what is shown
const target = () => {
  if (followed === "nobody") return fixed;
  const person = people[followed];
  if (!person) return motion.target(frame);
  const [x, y, z] = person.target(frame);
  return [x + person.aside, y, z];
};
const follow = (whom) => {
  if (whom === "nobody") fixed = Array.from(target());
  followed = $("follow").value = whom;
  redraw();
};
const look = (name) => {
  if (name === "free") camera.reset(); else camera.look(name);
  redraw();
};
const compare = (how) => {
  $("compare").value = how;
  for (const person of people) {
    person.aside = how === "beside" ? (person.compared ? 0.8 : -0.8) : 0;
    person.hidden = how === (person.compared ? "A" : "B");
  }
  showPeople();
};
const toggle = (id) => {
  const on = $(id).getAttribute("aria-pressed") !== "true";
  $(id).setAttribute("aria-pressed", String(on));
  return on;
};
const pressed = (id) => $(id).getAttribute("aria-pressed") === "true";
function showInset() {
  $("inset").hidden = !(pressed("flatten") && keypoints.size) && !video.ready;
  const size = video.ready && !keypoints.size ? [video.element.videoWidth, video.element.videoHeight] : keypoints.size;
  if (size) $("inset").style.setProperty("--ratio", size[0] / size[1]);
  document.querySelector("#inset figcaption").hidden = video.ready;
}
const togglePlots = () => {
  $("plots").hidden = !toggle("plot");
  redraw();
};
function showPeople() {
  [...$("people").children].forEach((chip, n) => chip.setAttribute("aria-pressed", String(!people[n].hidden)));
  redraw();
}
const help = () => { if ($("help").open) $("help").close(); else $("help").showModal(); };

// ---- drawing
const clock = (t) => {
  const minutes = Math.floor(t / 60), hours = Math.floor(minutes / 60);
  const tail = `${String(minutes % 60).padStart(2, "0")}:${(t % 60).toFixed(2).padStart(5, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
};
const drawStage = () => {
  const [pen, width, height] = fit(stage), aim = target(), project = camera.projector(width, height, aim);
  if (camera.filmed() && video.ready) {
    pen.globalAlpha = 0.6;
    pen.drawImage(video.element, ...camera.frameOf(width, height));
    pen.globalAlpha = 1;
  }
  floor.draw(pen, project, aim, people.filter((person) => !person.hidden), frame);
  figures.draw(pen, project, frame, [width, height], pressed("blur"));
  $("scale").textContent = floor.label(project.depth);
};
const draw = () => {
  video.follow(frame, playing, speed);
  drawStage();
  if (!$("inset").hidden) keypoints.draw(frame, pressed("flatten"));
  timeline.draw(frame);
  if (!$("plots").hidden) plots.draw(frame);
  $("note").hidden = people.length > 1 || Boolean(motion.valid[frame]);
  $("scrub").value = frame;
  $("scrub").setAttribute("aria-valuetext", `frame ${frame} of ${frames}, ${clock(motion.timeOf(frame))}`);
  $("clock").value = `${clock(motion.timeOf(frame))} / ${clock(motion.length)}`;
  const kept = Boolean(motion.kept && motion.kept[frame]);
  $("count").value = `frame ${frame} of ${frames}${kept ? " · kept" : ""}`;
  $("count").className = kept ? "kept" : "";
  $("views").value = camera.view.name;
};
const tick = (now) => {
  if (playing) {
    if (before !== null) {
      // After the tab was suspended, playback resumes where it stopped.
      seconds = (seconds + Math.min((now - before) / 1000, 0.25) * speed) % motion.length;
      const next = motion.frameAt(seconds);
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

// ---- controls
const next = (select, set) => {
  const values = [...select.options].filter((option) => !option.disabled).map((option) => option.value);
  set(values[(values.indexOf(select.value) + 1) % values.length]);
};
$("play").addEventListener("click", () => setPlaying(!playing));
$("back").addEventListener("click", () => step(-1));
$("on").addEventListener("click", () => step(1));
$("reset").addEventListener("click", () => look("free"));
$("views").addEventListener("change", () => look($("views").value));
$("follow").addEventListener("change", () => follow($("follow").value));
$("compare").addEventListener("change", () => compare($("compare").value));
$("speed").addEventListener("change", () => { speed = Number($("speed").value); });
$("plot").addEventListener("click", togglePlots);
$("blur").addEventListener("click", () => { toggle("blur"); redraw(); });
$("flatten").addEventListener("click", () => { toggle("flatten"); showInset(); redraw(); });
$("open").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => { if ($("file").files[0]) video.open($("file").files[0]); });
$("save").addEventListener("change", () => {
  downloads[$("save").value]?.save();
  $("save").value = "";
});
$("ask").addEventListener("click", help);
listenToPointers(stage, camera, redraw);
listenToScrubbing($("scrub"), frames, seek);
listenToKeys([
  [[" "], "space", "play or pause", () => setPlaying(!playing)],
  [["ArrowLeft", "ArrowRight"], "← →", "one frame back or forward; on the figure: turn it", (key) => step(key === "ArrowLeft" ? -1 : 1)],
  [["Home", "End"], "Home End", "first or last frame", (key) => seek(key === "Home" ? 0 : frames - 1)],
  [["+", "=", "-"], "+ −", "zoom", (key) => { camera.zoomBy(key === "-" ? 1 / 0.9 : 0.9); redraw(); }],
  [["1", "2", "3", "4", "5"], "1 to 5", "view: free, front, side, top, from the camera", (key) => look(VIEWS[key - 1][0])],
  [["r"], "R", "back to the first view", () => look("free")],
  [["f"], "F", "follow everyone, one person, or nobody", () => next($("follow"), follow)],
  [["b"], "B", "comparison: A over B, beside B, A, B", () => { if (!$("compare").hidden) next($("compare"), compare); }],
  [["p"], "P", "plots", togglePlots],
  [["k"], "K", "2D keypoints", () => $("flatten").click()],
  [["u"], "U", "uncertainty", () => $("blur").click()],
  [["v"], "V", "open the video from your disk", () => $("open").click()],
  [["?"], "?", "this help", help],
], stage, (x, y) => { camera.turnBy(x, y); redraw(); });

// ---- start
$("facts").textContent = motion.facts;
$("scrub").max = frames - 1;
for (const [name, text] of VIEWS) $("views").add(new Option(text, name));
const several = people.length > 1;
for (const [text, whom] of [["everyone", "all"], ...(several ? people.map((person, n) => [person.name, n]) : []), ["nobody", "nobody"]]) {
  $("follow").add(new Option(`follow ${several || whom !== "all" ? text : "person"}`, whom));
}
$("people").hidden = !several;
if (several) people.forEach((person) => {
  const chip = document.createElement("button");
  chip.type = "button";
  chip.textContent = person.name;
  chip.title = "Show or hide";
  chip.style.color = css(person.colours[0]);
  chip.addEventListener("click", () => { person.hidden = !person.hidden; showPeople(); });
  $("people").append(chip);
});
const compared = people.some((person) => person.compared);
$("compare").hidden = !compared;
$("blur").hidden = !people.some((person) => person.hasUncertainty);
$("flatten").hidden = !keypoints.size;
const legend = (kind) => document.querySelector(`#legend .${kind}`);
legend("left").hidden = legend("right").hidden = several && !compared;
legend("standing").hidden = !people.some((person) => person.hasContact);
legend("kept").hidden = !motion.kept;
legend("undetected").hidden = motion.valid.every(Boolean);
if (matchMedia("(min-width: 900px)").matches && matchMedia("(min-height: 560px)").matches) togglePlots();
showInset();
showPeople();
new ResizeObserver(redraw).observe(document.body);
setPlaying(!matchMedia("(prefers-reduced-motion: reduce)").matches);
requestAnimationFrame(tick);

window.poseglass = {
  get frame() { return frame; },
  get frames() { return frames; },
  get playing() { return playing; },
  get followed() { return followed; },
  view: camera.view,
  people,
  video,
  downloads,
  seek,
  look,
  follow,
  play: () => setPlaying(true),
  pause: () => setPlaying(false),
  /** The joints of a figure on the canvas: x, y in CSS pixels, depth in metres; null if unknown. */
  project: (person = 0) => {
    const points = figures.pose(people[person], frame) || [];
    return points.map((p) => p && camera.projector(stage.clientWidth, stage.clientHeight, target())(p));
  },
  redraw: draw,
};
