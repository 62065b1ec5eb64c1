// Plots curves over time in charts; each chart chooses its curve. A click moves to the frame.

const CHARTS = 3;
const SPAN = 12; // seconds in a chart; a shorter motion is shown whole

function makePlots(motion, section, onSeek) {
  const { curves, people, fps, frames } = motion, count = Math.min(CHARTS, curves.length);
  const preferred = ["pelvis height", "speed", "knee flexion"];
  const order = [...new Set([...preferred.map((name) => curves.findIndex((c) => c.name === name)), ...curves.keys()])];
  const firstChoice = order.filter((i) => i >= 0).slice(0, count);

  const charts = Array.from({ length: count }, (_, n) => {
    const figure = document.createElement("figure"), select = document.createElement("select");
    const canvas = document.createElement("canvas"), value = document.createElement("output");
    select.setAttribute("aria-label", `Curve ${n + 1}`);
    value.setAttribute("aria-label", `Value ${n + 1}`);
    canvas.setAttribute("role", "img");
    curves.forEach((curve, i) => select.add(new Option(`${curve.name} (${curve.unit})`, i)));
    select.value = firstChoice[n];
    figure.append(select, value, canvas);
    section.append(figure);
    return { select, canvas, value };
  });

  const windowAt = (frame) => {
    const wide = Math.min(frames, Math.round(SPAN * fps));
    const from = clamp(Math.round(frame - wide / 2), 0, frames - wide);
    return [from, from + wide];
  };
  const colourOf = (line, sided) => {
    const person = people[line.person];
    return person.colours[sided ? line.side : 0];
  };
  const rangeOf = (lines, from, to) => {
    let low = Infinity, high = -Infinity;
    for (const part of lines) for (let i = from; i < to; i++) {
      const v = part.at(i);
      if (v < low) low = v;
      if (v > high) high = v;
    }
    if (low > high) return [0, 1];
    const room = Math.max(0.08 * (high - low), 0.02);
    return [low - room, high + room];
  };
  const visibleLines = (curve) => curve.lines.filter((part) => !people[part.person].hidden);

  const drawChart = ({ select, canvas, value }, frame) => {
    const curve = curves[select.value], lines = visibleLines(curve), [pen, width, height] = fit(canvas);
    const [from, to] = windowAt(frame), [low, high] = rangeOf(lines, from, to);
    const x = (i) => (i + 0.5 - from) * width / (to - from), y = (v) => height - (v - low) / (high - low) * height;
    pen.font = "10px system-ui, sans-serif";
    pen.lineWidth = 1;
    const rough = (high - low) / 3, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((s) => s >= rough);
    for (let v = Math.ceil(low / step) * step; v < high; v += step) {
      pen.strokeStyle = css(motion.colours.slate, 0.8);
      line(pen, [0, y(v)], [width, y(v)]);
      pen.fillStyle = css(motion.colours.dim);
      if (y(v) > 12) pen.fillText(Number(v.toPrecision(4)), 2, y(v) - 2);
    }
    pen.lineWidth = 1.6;
    lines.forEach((part) => {
      pen.strokeStyle = css(colourOf(part, lines.some((other) => other.side)));
      pen.beginPath();
      let drawing = false;
      for (let i = from; i < to; i++) {
        const v = part.at(i);
        if (Number.isNaN(v)) { drawing = false; continue; }
        if (drawing) pen.lineTo(x(i), y(v)); else pen.moveTo(x(i), y(v));
        drawing = true;
      }
      pen.stroke();
    });
    pen.fillStyle = css(motion.colours.ink, 0.7);
    pen.fillRect(x(frame) - 0.5, 0, 1, height);
    const digits = curve.unit === "°" ? 0 : 2, sides = ["", "left ", "right "];
    value.replaceChildren(...lines.slice(0, 4).map((part, n) => {
      const v = part.at(frame), text = document.createElement("span");
      const side = lines.length > 2 ? sides[part.side].slice(0, 1).toUpperCase() + " " : sides[part.side];
      text.textContent = `${n ? " · " : ""}${part.side ? side : ""}${Number.isNaN(v) ? "–" : v.toFixed(digits)}`;
      if (people.length > 1) text.style.color = css(people[part.person].colours[0]);
      return text;
    }), ` ${curve.unit}`);
    canvas.setAttribute("aria-label", `${curve.name} over time`);
  };

  let shown = 0;
  charts.forEach(({ select, canvas }) => {
    select.addEventListener("change", () => onSeek(shown));
    const point = (event) => {
      if (!(event.buttons & 1)) return;
      const [from, to] = windowAt(shown), box = canvas.getBoundingClientRect();
      onSeek(clamp(from + Math.floor((event.clientX - box.left) / box.width * (to - from)), 0, frames - 1));
    };
    canvas.addEventListener("pointerdown", point);
  });
  return {
    charts,
    draw: (frame) => {
      shown = frame;
      charts.filter(({ canvas }) => canvas.clientHeight).forEach((chart) => drawChart(chart, frame));
    },
  };
}
