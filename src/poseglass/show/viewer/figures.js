// Draws the figures: soft shadows, lit feet, solid limbs from far to near, and circles of uncertainty.

const LIT = 0.11; // metres: radius of the light under a standing foot
const STEP = 0.3; // metres: a standing ankle this far from the floor does not stand on it

function makeFigures(motion) {
  const shade = document.createElement("canvas"), { shading, colours } = motion, NIGHT = colours.night;

  const drawShadows = (pen, project, figures, width, height) => {
    const part = 10; // drawing small and enlarging is the cheapest blur in any browser
    Object.assign(shade, { width: Math.ceil(width / part), height: Math.ceil(height / part) });
    const small = shade.getContext("2d");
    for (const { person, points } of figures) for (const [far, near] of person.body.bones) {
      if (!points[far] || !points[near]) continue;
      const [a, b] = [far, near].map((j) => project([points[j][0], 0, points[j][2]]));
      if (a[2] < NEAR || b[2] < NEAR) continue;
      const [ra, rb] = [[far, a], [near, b]].map(([j, p]) => person.body.girths[j] / p[2] * project.scale / part);
      capsule(small, a.map((v) => v / part), b.map((v) => v / part), ra, rb, "#000");
    }
    pen.globalAlpha = 0.6;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(shade, 0, 0, shade.width * part, shade.height * part);
    pen.globalAlpha = 1;
  };

  const drawFeet = (pen, project, { person, points }, frame) => person.ankles.forEach((ankle, foot) => {
    const chance = person.contact(frame, foot), p = points[ankle];
    if (!p || chance < 0.5) return;
    const ground = Math.abs(p[1]) < STEP ? 0 : p[1]; // a person may stand on something, or below the floor
    pen.beginPath();
    for (let n = 0; n < 24; n++) {
      const turn = n * Math.PI / 12, edge = project([p[0] + LIT * Math.cos(turn), ground, p[2] + LIT * Math.sin(turn)]);
      if (edge[2] < NEAR) return;
      if (n) pen.lineTo(edge[0], edge[1]); else pen.moveTo(edge[0], edge[1]);
    }
    pen.fillStyle = css(colours.mint, 0.75 * chance);
    pen.fill();
  });

  const drawLimbs = (pen, project, figures, frame) => {
    const limbs = [];
    for (const { person, points } of figures) {
      const projected = points.map((p) => p && project(p)), dim = !person.valid[frame], { bones, sides, girths } = person.body;
      bones.forEach(([far, near], n) => {
        const a = projected[far], b = projected[near];
        if (!a || !b || Math.min(a[2], b[2]) <= NEAR) return;
        const depth = (a[2] + b[2]) / 2;
        const gloom = dim ? shading.dimmed : clamp(shading.per_metre * (depth - project.depth) + shading.near, 0, shading.most);
        const colour = mix(person.colours[sides[n]], NIGHT, gloom);
        limbs.push({ a, b, depth, colour, alpha: person.compared && !person.aside ? 0.55 : 1, ra: girths[far] / a[2] * project.scale, rb: girths[near] / b[2] * project.scale });
      });
    }
    const { rim, shade: dark, highlight, shift, rim_pixels: margin } = shading;
    for (const { a, b, colour, alpha, ra, rb } of limbs.sort((one, other) => other.depth - one.depth)) {
      pen.globalAlpha = alpha;
      capsule(pen, a, b, ra + margin, rb + margin, css(mix(colour, NIGHT, rim)));
      capsule(pen, a, b, ra, rb, css(mix(colour, NIGHT, dark)));
      const lit = [[a, ra], [b, rb]].map(([p, r]) => [p[0] - shift * r, p[1] - shift * r]);
      capsule(pen, lit[0], lit[1], highlight * ra, highlight * rb, css(colour));
    }
    pen.globalAlpha = 1;
  };

  const drawUncertainty = (pen, project, { person, points }, frame) => {
    pen.fillStyle = css(person.colours[0], 0.13);
    points.forEach((p, joint) => {
      const at = p && project(p), radius = person.uncertainty(frame, joint);
      if (!at || at[2] < NEAR || !(radius > 0)) return;
      pen.beginPath();
      pen.arc(at[0], at[1], radius / at[2] * project.scale, 0, 2 * Math.PI);
      pen.fill();
    });
  };

  // A figure's joints in a frame; null if it is not in the scene.
  const pose = (person, frame) => {
    if (person.hidden || !person.shown[frame]) return null;
    return person.body.pose(frame).map((p) => p && [p[0] + person.aside, p[1], p[2]]);
  };

  return {
    pose,
    draw: (pen, project, frame, size, uncertain) => {
      const figures = motion.people.map((person) => ({ person, points: pose(person, frame) })).filter(({ points }) => points);
      drawShadows(pen, project, figures, ...size);
      figures.forEach((figure) => drawFeet(pen, project, figure, frame));
      drawLimbs(pen, project, figures, frame);
      if (uncertain) figures.forEach((figure) => drawUncertainty(pen, project, figure, frame));
    },
  };
}
