// Draws the floor: a grid with a known cell, the world's axes, and the paths of the figures.

const NEAR = 0.15; // metres: anything nearer to the camera is not drawn
const LEVELS = 12; // shades of the fading grid
const TRAIL = 5; // seconds of path behind a figure

function makeFloor(motion) {
  const reachOf = (depth) => motion.grid.reach * Math.max(1, depth / 4.6);
  const cellOf = (depth) => motion.grid.cell * (reachOf(depth) > 5 ? 2 : 1);

  const drawGrid = (pen, project, target) => {
    const cell = cellOf(project.depth), reach = reachOf(project.depth), cells = Math.ceil(reach / cell) + 1;
    const paths = Array.from({ length: LEVELS + 1 }, () => new Path2D());
    const home = [Math.floor(target[0] / cell) * cell, Math.floor(target[2] / cell) * cell];
    for (const turned of [false, true]) for (let n = -cells; n <= cells; n++) {
      let last = null;
      for (let m = -2 * cells; m <= 2 * cells; m++) {
        const along = home[turned ? 0 : 1] + m * cell / 2, across = home[turned ? 1 : 0] + n * cell;
        const p = turned ? [along, 0, across] : [across, 0, along], projected = project(p);
        if (last) {
          const away = Math.hypot((p[0] + last[0][0]) / 2 - target[0], (p[2] + last[0][2]) / 2 - target[2]) / reach;
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

  // The world's axes are y up and z towards the viewer, so two of them point against the scene's.
  const drawAxes = (pen, project) => {
    const ends = [["x 1 m", [1, 0, 0], motion.colours.right], ["y 1 m", [0, -1, 0], motion.colours.mint], ["z 1 m", [0, 0, -1], motion.colours.left]];
    const origin = project([0, 0, 0]);
    pen.lineWidth = 2;
    pen.font = "11px system-ui, sans-serif";
    for (const [name, end, colour] of ends) {
      const tip = project(end);
      if (origin[2] < NEAR || tip[2] < NEAR) continue;
      pen.strokeStyle = pen.fillStyle = css(colour, 0.75);
      line(pen, origin, tip);
      pen.fillText(name, tip[0] + 4, tip[1] - 3);
    }
  };

  const drawTrail = (pen, project, person, frame) => {
    const step = Math.max(1, Math.round(motion.fps / 10)), first = Math.max(0, frame - Math.round(TRAIL * motion.fps));
    let last = null;
    pen.lineWidth = 1.5;
    for (let i = frame; i >= first; i -= step) {
      const at = person.shown[i] ? person.target(i) : null, p = at && project([at[0] + person.aside, 0, at[2]]);
      if (p && last && p[2] > NEAR && last[2] > NEAR) {
        pen.strokeStyle = css(person.colours[0], 0.6 * (1 - (frame - i) / (TRAIL * motion.fps)));
        line(pen, last, p);
      }
      last = p;
    }
  };

  return {
    label: (depth) => `floor squares: ${cellOf(depth)} m`,
    draw: (pen, project, target, people, frame) => {
      drawGrid(pen, project, target);
      if (motion.place === "world") drawAxes(pen, project);
      if (motion.place !== "body") people.forEach((person) => drawTrail(pen, project, person, frame));
    },
  };
}
