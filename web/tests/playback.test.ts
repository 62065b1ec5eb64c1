import { expect, test } from "vitest";
import { JOINTS } from "../src/clip";
import { Playback } from "../src/playback";

const ramp = (first: number, frames: number) => Float64Array.from({ length: frames * JOINTS * 3 }, (_, i) => first + Math.floor(i / (JOINTS * 3)));

test("poses are shown in even steps, although several come at once", () => {
  const playback = new Playback(), shown: number[] = [];
  playback.add(ramp(0, 31), 1, 0, 0.4); // ticks 0 to 30, until second 1; the next come 0.4 s later
  for (let n = 30; n <= 60; n += 2) {
    if (n === 42) playback.add(ramp(12, 31), 42 / 30, 0, 0.4);
    if (n === 54) playback.add(ramp(24, 31), 54 / 30, 0, 0.4);
    const next = playback.at(n / 30);
    if (next) shown.push(next.pose[0]);
  }
  shown.forEach((value, n) => expect(value).toBeCloseTo(18 + 2 * n, 6));
  expect(shown.length).toBe(16);
});

test("frames at the end of a window are left out, and time never runs back", () => {
  const playback = new Playback();
  playback.add(ramp(0, 31), 1, 5, 0);
  expect(playback.at(1)?.pose[0]).toBeCloseTo(25, 6);
  expect(playback.at(0.9)).toBeNull();
  expect(playback.at(2)).toBeNull(); // nothing newer is known
  playback.restart();
  expect(playback.at(3)).toBeNull();
});
