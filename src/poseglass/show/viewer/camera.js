// The viewer's camera: it circles around a point above the followed figure, or stands where the video was filmed.

const VIEWS = [
  ["free", "free view"],
  ["front", "front"],
  ["side", "side"],
  ["top", "top"],
  ["camera", "camera"],
];

function makeCamera(motion) {
  const first = motion.view, filming = motion.camera;
  const start = { name: "free", yaw: first.yaw, pitch: first.pitch, distance: first.distance };
  const angles = { free: [first.yaw, first.pitch], front: [0, 4], side: [90, 4], top: [0, 89], camera: [0, 4] };
  const view = { ...start, pan: [0, 0, 0] };

  const dot = (a, x, y, z) => a[0] * x + a[1] * y + a[2] * z;
  const axes = () => {
    const yaw = view.yaw * Math.PI / 180, pitch = view.pitch * Math.PI / 180;
    const s = Math.sin(yaw), c = Math.cos(yaw), u = Math.sin(pitch), l = Math.cos(pitch);
    return [[c, 0, s], [s * u, l, -c * u], [-s * l, u, c * l]];
  };
  const focal = (width, height) => first.zoom * Math.min(height, 1.2 * width);
  const filmed = () => view.name === "camera" && filming;

  // Where the video's image lies on the canvas when it is seen from the filming camera: x, y, width, height.
  const frameOf = (width, height) => {
    const zoom = Math.min(width / filming.size[0], height / filming.size[1]);
    const [wide, high] = filming.size.map((side) => side * zoom);
    return [(width - wide) / 2, (height - high) / 2, wide, high];
  };

  // Gives a function from a point of the scene to x, y in CSS pixels and depth in metres, and what drawing needs to know.
  const projector = (width, height, target) => {
    const [right, down, away] = filmed() ? filming.turn : axes();
    const [tx, ty, tz] = filmed() ? filming.eye : [target[0] + view.pan[0], target[1] - first.height + view.pan[1], target[2] + view.pan[2]];
    const distance = filmed() ? 0 : view.distance;
    const scale = filmed() ? filming.focal * frameOf(width, height)[2] / filming.size[0] : focal(width, height);
    const project = (p) => {
      const x = p[0] - tx, y = p[1] - ty, z = p[2] - tz;
      const depth = dot(away, x, y, z) + distance, over = scale / Math.max(depth, 1e-3);
      return [width / 2 + dot(right, x, y, z) * over, height / 2 + dot(down, x, y, z) * over, depth];
    };
    project.scale = scale;
    project.depth = project([target[0], target[1] - first.height, target[2]])[2]; // of the followed point
    return project;
  };

  const leaveFilming = () => { if (view.name === "camera") view.name = "free"; };
  return {
    view,
    filmed,
    frameOf,
    projector,
    reset: () => Object.assign(view, start, { pan: [0, 0, 0] }),
    look: (name) => {
      [view.yaw, view.pitch] = angles[name];
      Object.assign(view, { name, pan: [0, 0, 0] });
    },
    zoomBy: (factor) => {
      leaveFilming();
      view.distance = clamp(view.distance * factor, 1, 60);
    },
    turnBy: (x, y) => {
      leaveFilming();
      view.yaw = ((view.yaw + x + 180) % 360 + 360) % 360 - 180;
      view.pitch = clamp(view.pitch + y, -10, 89);
    },
    panBy: (x, y, width, height) => {
      leaveFilming();
      const [right, down] = axes(), size = view.distance / focal(width, height);
      view.pan = view.pan.map((v, i) => clamp(v - (right[i] * x + down[i] * y) * size, -40, 40));
    },
  };
}
