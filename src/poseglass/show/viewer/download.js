// Writes what the page holds to files: JSON that PoseSequence.load reads, and CSV with the curves.
// Axes of the files: x right, y up, z towards the viewer; metres; the floor at y = 0.

function makeDownloads(motion) {
  const metres = (v) => Math.round(v * 1e4) / 1e4;
  const upright = (p) => (p ? [metres(p[0]), metres(-p[1]), metres(-p[2])] : [null, null, null]);
  const framesOf = (person) => Array.from({ length: motion.frames }, (_, i) => i).filter((i) => person.shown[i]);

  const json = (person) => {
    const rows = framesOf(person), { name, joints, bones, root } = person.skeleton;
    const poses = rows.map((i) => person.body.pose(i));
    return JSON.stringify({
      format: "poseglass pose sequence 1",
      skeleton: name,
      joints,
      bones,
      root: root || "",
      space: "world",
      units: "metres",
      fps: motion.fps,
      start: motion.start + motion.timeOf(rows[0] || 0),
      timestamps: rows.map((i) => motion.start + motion.timeOf(i)),
      points: poses.map((pose) => pose.map(upright)),
      scores: poses.map((pose) => pose.map((p) => (p ? 1 : 0))),
      valid: rows.map((i) => Boolean(person.valid[i])),
    });
  };

  const csv = () => {
    const named = (name) => name.replaceAll(" ", "_"), sides = ["", "left_", "right_"];
    const joints = [...new Set(motion.people.flatMap((person) => person.skeleton.joints))];
    const feet = motion.people.some((person) => person.hasContact) ? ["contact_left", "contact_right"] : [];
    const keys = motion.curves.flatMap((c) => [...new Set(c.lines.map((part) => part.side))].map((side) => [c, side]));
    const units = { m: "m", "m/s": "m_per_s", "°": "degrees" };
    const header = ["person", "frame", "seconds", "valid", ...joints.flatMap((j) => ["x", "y", "z"].map((axis) => `${j}_${axis}`)), ...feet,
      ...keys.map(([c, side]) => `${sides[side]}${named(c.name)}_${units[c.unit] || c.unit}`)];
    const lines = [header.join(",")];
    motion.people.forEach((person, n) => framesOf(person).forEach((i) => {
      const pose = person.body.pose(i), at = joints.map((j) => person.skeleton.joints.indexOf(j));
      const curve = ([c, side]) => {
        const part = c.lines.find((l) => l.person === n && l.side === side), v = part ? part.at(i) : NaN;
        return Number.isNaN(v) ? "" : metres(v);
      };
      lines.push([`"${person.name}"`, i, (motion.start + motion.timeOf(i)).toFixed(4), person.valid[i],
        ...at.flatMap((j) => upright(j < 0 ? null : pose[j]).map((v) => (v === null ? "" : v))),
        ...feet.map((_, foot) => person.contact(i, foot).toFixed(2)), ...keys.map(curve)].join(","));
    }));
    return lines.join("\n") + "\n";
  };

  const save = (text, type, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  };
  const stem = document.title.replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "") || "motion";
  const saveJson = () => motion.people.filter((person) => !person.hidden).forEach((person) => {
    const suffix = motion.people.length > 1 ? `-${person.name.replaceAll(" ", "-")}` : "";
    save(json(person), "application/json", `${stem}${suffix}.json`);
  });
  return {
    json: { text: json, save: saveJson },
    csv: { text: csv, save: () => save(csv(), "text/csv", `${stem}.csv`) },
  };
}
