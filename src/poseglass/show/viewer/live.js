// Shows the newest pose of a live source, and the image that it was lifted from.

const $ = (id) => document.getElementById(id);
const motion = JSON.parse($("motion").textContent), person = motion.people[0];
let newest = null, poses = 0, dirty = false;
Object.assign(person, {
  aside: 0,
  hidden: false,
  shown: [1],
  valid: [1],
  contact: (_, foot) => newest.contact[foot],
  uncertainty: () => NaN,
});
person.body.pose = () => newest.points;
person.flat.pose = () => person.flat.sides.length && newest.flat.length ? newest.flat : new Array(person.flat.joints).fill(null);

const camera = makeCamera(motion), floor = makeFloor(motion), figures = makeFigures(motion);
const keypoints = makeKeypoints(motion, $("flat")), stage = $("stage");
const redraw = () => { dirty = true; };

const draw = () => {
  const [pen, width, height] = fit(stage), target = [newest.points[0][0], 0, newest.points[0][2]];
  const project = camera.projector(width, height, target);
  floor.draw(pen, project, target, [person], 0);
  figures.draw(pen, project, 0, [width, height], false);
  keypoints.draw(0, true);
  $("scale").textContent = floor.label(project.depth);
  $("facts").textContent = newest.facts;
  $("note").hidden = newest.valid;
};
const tick = () => {
  if (dirty && newest) {
    dirty = false;
    draw();
  }
  requestAnimationFrame(tick);
};

const source = new EventSource("/poses");
source.addEventListener("message", (event) => {
  newest = JSON.parse(event.data);
  poses += 1;
  person.valid[0] = Number(newest.valid);
  person.flat.size = newest.size;
  $("inset").style.setProperty("--ratio", newest.size[0] / newest.size[1]);
  $("picture").src = `data:image/jpeg;base64,${newest.image}`;
  $("picture").hidden = false;
  redraw();
});
source.addEventListener("error", () => { $("note").textContent = "the source has ended"; $("note").hidden = false; source.close(); });

listenToPointers(stage, camera, redraw);
new ResizeObserver(redraw).observe(document.body);
requestAnimationFrame(tick);

window.poseglass = {
  get poses() { return poses; },
  get newest() { return newest; },
  view: camera.view,
};
