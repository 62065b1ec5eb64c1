import { describe, expect, test } from "vitest";
import { JOINTS, type Clip } from "../src/clip";
import { onClock, ticks, type TimedPose } from "../src/clock";
import { toPose } from "../src/landmarks";
import { exchanged } from "../src/sides";
import { personView, toCamera } from "../src/view";
import { blendWeights, liftClip } from "../src/windows";
import fixture from "./fixture.json"; // Python's values, from fixture.py

const furthest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));
};
const size = fixture.size as [number, number];

function poseAt(time: number, value: number, score = 1): TimedPose {
  return { time, points: new Float64Array(JOINTS * 2).fill(value), scores: new Float64Array(JOINTS).fill(score) };
}

describe.each(fixture.cases.map((known, n) => ({ n, known })))("clip $n", ({ known }) => {
  const clip: Clip = {
    frames: known.states.length, points: Float64Array.from(known.points), scores: Float64Array.from(known.scores),
  };

  test("sides are exchanged in the same frames as in Python", () => {
    expect(exchanged(clip)).toEqual(known.states);
  });

  test("the model's input and its turn into camera space are Python's", () => {
    const { pose2d, rotations } = personView(clip, size);
    expect(furthest(pose2d, known.pose2d)).toBeLessThan(1e-5);
    expect(furthest(toCamera(known.pose3d, rotations), known.camera)).toBeLessThan(1e-9);
  });
});

test("windows are blended with Python's weights", () => {
  expect(furthest(blendWeights(81, 27), fixture.weights)).toBeLessThan(1e-12);
});

test.each([1, 5, 9, 10, 31])("a clip of %i frames is covered by windows", async (frames) => {
  const clip = onClock([poseAt(0, 0), poseAt(2, 2)], 0, frames);
  const starts: number[] = [];
  const answer = async (pose2d: Float32Array) => {
    starts.push(pose2d.length);
    return { pose3d: Float32Array.from({ length: pose2d.length }, (_, i) => (i % 51 < 3 ? 0 : 1)), kept: [0] };
  };
  const { pose3d, kept } = await liftClip(answer, clip, size, 9);
  expect(starts.length).toBe(Math.max(Math.ceil((frames - 9) / 6), 0) + 1);
  expect(kept[0]).toBe(true);
  const lengths = Array.from({ length: frames }, (_, t) => Math.hypot(...pose3d.subarray(t * 51 + 3, t * 51 + 6)));
  for (const length of lengths) expect(length).toBeCloseTo(Math.sqrt(3), 5);
});

test("poses are interpolated onto the clock, and repeated before the first", () => {
  const poses = [poseAt(1, 10), poseAt(1.1, 20), poseAt(1.2, 40)];
  expect(ticks(poses)).toBe(7);
  const x = onClock(poses, 1 - 1 / 30, 6).points.filter((_, i) => i % (JOINTS * 2) === 0);
  expect(furthest(x, [10, 10, 13.3333333, 16.6666667, 20, 26.6666667])).toBeLessThan(1e-6);
});

test("between a known joint and an unknown one, the nearer counts", () => {
  const { points, scores } = onClock([poseAt(0, 10), poseAt(0.1, 99, 0)], 0, 4);
  expect(Array.from({ length: 4 }, (_, t) => scores[t * JOINTS])).toEqual([1, 1, 0, 0]);
  expect(points[JOINTS * 2]).toBe(10);
});

test("landmarks outside the image count little, and derived joints count as their least certain part", () => {
  const landmarks = Array.from({ length: 33 }, (_, n) => ({ x: 0.5, y: n === 23 ? 1.2 : 0.5, visibility: 0.9, presence: 0.8 }));
  const pose = toPose(landmarks, size, 3, fixture.conversion);
  expect(pose.scores[4]).toBe(0.1); // the left hip
  expect(pose.scores[0]).toBe(0.1); // the pelvis, between the hips
  expect(pose.scores[1]).toBe(0.8);
  expect([pose.points[0], pose.points[1]]).toEqual([320, 0.85 * 480]);
  expect(toPose(undefined, size, 3, fixture.conversion).scores.some(Boolean)).toBe(false);
});
