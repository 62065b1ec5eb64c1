// Draws the 2D keypoints of all people, over the video if there is one.

function makeKeypoints(motion, canvas) {
  const flats = motion.people.filter((person) => person.flat);
  return {
    size: flats.length ? flats[0].flat.size : null,
    draw: (frame, visible) => {
      const [pen, width] = fit(canvas);
      if (!visible) return;
      pen.lineCap = "round";
      pen.lineWidth = 2.2;
      for (const person of flats) {
        if (person.hidden || !person.shown[frame]) continue;
        const zoom = width / person.flat.size[0], points = person.flat.pose(frame).map((p) => p && p.map((v) => v * zoom));
        person.flat.bones.forEach(([far, near], n) => {
          if (!points[far] || !points[near]) return;
          pen.strokeStyle = css(person.colours[person.flat.sides[n]]);
          line(pen, points[far], points[near]);
        });
      }
    },
  };
}
