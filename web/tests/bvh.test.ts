import { expect, test } from "vitest";
import { bvh } from "../src/bvh";
import { poseFile } from "../src/posefile";
import { apply, IDENTITY, product, shortest, transpose, unit, type Vector } from "../src/vectors";

const STANDING = [ // Human3.6M's joints in camera space: y down, facing the camera, the person's left at +x
  [0, 0, 0], [-0.1, 0, 0], [-0.1, 0.4, 0], [-0.1, 0.8, 0], [0.1, 0, 0], [0.1, 0.4, 0], [0.1, 0.8, 0], [0, -0.2, 0],
  [0, -0.45, 0], [0, -0.55, 0], [0, -0.7, 0], [0.15, -0.45, 0], [0.4, -0.45, 0], [0.65, -0.45, 0], [-0.15, -0.45, 0],
  [-0.4, -0.45, 0], [-0.65, -0.45, 0],
];
const motion = (text: string): number[][] => text.trim().split("Frame Time:")[1].split("\n").slice(1).map((row) => row.split(" ").map(Number));

test("a T-pose has no rotations, and its feet are on the ground", () => {
  const text = bvh(Float64Array.from([STANDING, STANDING].flat(2)));
  const rows = motion(text);
  expect(rows.length).toBe(2);
  expect(rows[0].slice(0, 3)).toEqual([0, 86, 0]); // legs of 80 cm, and 6 cm below the ankle
  for (const angle of rows[0].slice(3)) expect(Math.abs(angle)).toBe(0);
  expect(text.match(/JOINT/g)?.length).toBe(18);
  expect(text.match(/\{/g)?.length).toBe(text.match(/\}/g)?.length);
});

test("a raised forearm turns only the elbow", () => {
  const raised = STANDING.map((point, j) => (j === 13 ? [0.4, -0.7, 0] : point));
  const [row] = motion(bvh(Float64Array.from(raised.flat())));
  expect(row.filter((angle, n) => n > 2 && angle !== 0)).toEqual([90]);
});

test.each<[Vector, Vector]>([[[1, 2, 3], [-2, 1, 0.5]], [[1, 0, 0], [-1, 0, 0]], [[0, 1, 0], [0, 1, 0]]])(
  "the smallest rotation takes %j to %j", (start, end) => {
    const turn = shortest(start, end);
    apply(turn, unit(start)).forEach((value, axis) => expect(value).toBeCloseTo(unit(end)[axis], 9));
    product(turn, transpose(turn)).flat().forEach((value, n) => expect(value).toBeCloseTo(IDENTITY.flat()[n], 9));
  },
);

test("the pose file has rows of joints, and null for what is unknown", () => {
  const points = new Float64Array(2 * 34).fill(NaN), scores = new Float64Array(2 * 17), pose3d = new Float64Array(2 * 51).fill(1 / 3);
  scores[0] = 0.5;
  const about = { joints: ["pelvis"], bones: [] } as unknown as Parameters<typeof poseFile>[1];
  const text = poseFile({ motion: { pose3d, kept: [true, false] }, points, scores, size: [4, 3], start: 1 }, about);
  const record = JSON.parse(text) as Record<string, unknown>;
  expect(record.points).toEqual(Array(2).fill(Array(17).fill(Array(3).fill(0.333333))));
  expect(record["pose2d.points"]).toEqual(Array(2).fill(Array(17).fill([null, null])));
  expect([record.valid, record.kept, record.fps]).toEqual([[true, false], [true, false], 30]);
});
