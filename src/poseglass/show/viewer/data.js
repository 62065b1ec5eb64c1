// Reads the motion that the page holds: JSON with typed arrays in base64.
// Axes of the scene: x right, y down, z away from the viewer; metres; the floor at y = 0.

const UNKNOWN = -32768;

function bytesOf(text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

function numbersOf(text, Type) {
  const out = bytesOf(text), littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  if (!littleEndian) for (let i = 0; i < out.length; i += Type.BYTES_PER_ELEMENT) {
    out.subarray(i, i + Type.BYTES_PER_ELEMENT).reverse();
  }
  return new Type(out.buffer);
}

// Numbers stored as 16-bit multiples of a step.
function stepsOf(record) {
  const values = numbersOf(record.values, Int16Array);
  return { length: values.length, at: (i) => (values[i] === UNKNOWN ? NaN : values[i] * record.step) };
}

// The joints of a body: pose(frame) lists them as [x, y] or [x, y, z], and null where unknown.
function readBody(record, axes) {
  const steps = stepsOf(record.points), joints = record.joints;
  const pose = (frame) => {
    const out = new Array(joints);
    for (let j = 0; j < joints; j++) {
      const at = (frame * joints + j) * axes;
      out[j] = Number.isNaN(steps.at(at)) ? null : Array.from({ length: axes }, (_, axis) => steps.at(at + axis));
    }
    return out;
  };
  return { ...record, pose };
}

function readPath(record) {
  const steps = stepsOf(record);
  return (frame) => [0, 1, 2].map((axis) => steps.at(3 * frame + axis));
}

function readPerson(record) {
  const body = readBody(record.body, 3);
  const contact = record.contact && bytesOf(record.contact), spread = record.uncertainty && stepsOf(record.uncertainty);
  return {
    ...record,
    body,
    flat: record.flat && readBody(record.flat, 2),
    shown: bytesOf(record.shown),
    valid: bytesOf(record.valid),
    aside: 0, // metres that the player moves it to the right
    hidden: false,
    hasContact: Boolean(contact) && record.ankles.length === 2,
    hasUncertainty: Boolean(spread),
    target: readPath(record.target),
    contact: (frame, foot) => (contact ? contact[2 * frame + foot] / 255 : 0),
    uncertainty: (frame, joint) => (spread ? spread.at(frame * body.joints + joint) : NaN),
  };
}

function readMotion(record) {
  const { frames, fps } = record, times = record.times && numbersOf(record.times, Float32Array);
  const people = record.people.map(readPerson);
  const timeOf = (frame) => (times ? times[frame] : frame / fps);
  const frameAt = (seconds) => {
    if (!times) return Math.min(frames - 1, Math.max(0, Math.floor(seconds * fps + 1e-6)));
    let low = 0, high = frames - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= seconds + 1e-6) low = middle; else high = middle - 1;
    }
    return low;
  };
  return {
    ...record,
    valid: bytesOf(record.valid),
    kept: record.kept && bytesOf(record.kept),
    people,
    curves: record.curves.map((curve) => ({
      ...curve,
      lines: curve.lines.map((line) => ({ ...line, at: stepsOf(line.values).at })),
    })),
    target: record.target ? readPath(record.target) : people[0].target,
    timeOf,
    frameAt,
    length: timeOf(frames - 1) + 1 / fps,
  };
}
