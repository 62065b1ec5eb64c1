/** A motion as a BVH file: a skeleton of constant size in a T-pose, and its rotations. */
import { JOINTS, median } from "./clip";
import { RATE } from "./clock";
import {
  apply, cross, dot, length, minus, product, shortest, times, transpose, unit, type Rotation, type Vector,
} from "./vectors";

const UP: Vector = [0, 1, 0], DOWN: Vector = [0, -1, 0], LEFT: Vector = [1, 0, 0], RIGHT: Vector = [-1, 0, 0];
const SOLE = 0.06; // metres from the ankle to the ground

/** Name, parent, joint of Human3.6M, and direction from the parent in the rest pose. Parents come first. */
const TREE: readonly (readonly [name: string, parent: number, joint: number, rest: Vector])[] = [
  ["Hips", -1, 0, UP],
  ["RightUpLeg", 0, 1, RIGHT], ["RightLeg", 1, 2, DOWN], ["RightFoot", 2, 3, DOWN],
  ["LeftUpLeg", 0, 4, LEFT], ["LeftLeg", 4, 5, DOWN], ["LeftFoot", 5, 6, DOWN],
  ["Chest", 0, 7, UP],
  ["Neck", 7, 8, UP], ["Head", 8, 9, UP], ["HeadTop", 9, 10, UP],
  ["LeftShoulder", 7, 8, UP], ["LeftArm", 11, 11, LEFT], ["LeftForeArm", 12, 12, LEFT], ["LeftHand", 13, 13, LEFT],
  ["RightShoulder", 7, 8, UP], ["RightArm", 15, 14, RIGHT], ["RightForeArm", 16, 15, RIGHT], ["RightHand", 17, 16, RIGHT],
];
const HIPS = 0, CHEST = 7;
const [CHILDREN, END] = [TREE.map((_, n) => TREE.flatMap(([, parent], child) => (parent === n ? [child] : []))), "End Site"];

/**
 * Write a motion in centimetres and degrees, y up, with the lower foot on the ground in every frame.
 *
 * Bones have their median length over the motion, left and right the same. Pelvis and chest turn with the hips and the
 * shoulders; every other joint makes the smallest turn that points its bone in the right direction.
 *
 * @param pose3d Root-relative positions in camera space, in metres: x, y and z of each joint of each frame.
 */
export function bvh(pose3d: Float64Array): string {
  const frames = pose3d.length / (JOINTS * 3);
  const poses = Array.from({ length: frames }, (_, t) => Array.from({ length: JOINTS }, (_, j): Vector => {
    const at = (t * JOINTS + j) * 3;
    return [pose3d[at], -pose3d[at + 1], -pose3d[at + 2]];
  }));
  const offsets = restOffsets(poses);
  const lines = ["HIERARCHY", ...hierarchy(offsets, 0, ""), "MOTION", `Frames: ${frames}`, `Frame Time: ${1 / RATE}`];
  for (const pose of poses) lines.push(channels(pose, offsets));
  return lines.join("\n") + "\n";
}

const number = (value: number): string => (Math.round(value * 1e6) / 1e6 + 0).toFixed(6);

function restOffsets(poses: Vector[][]): Vector[] {
  const lengths = TREE.map(([, parent, joint]) => {
    if (parent < 0) return 0;
    return median(poses.map((pose) => length(minus(pose[joint], pose[TREE[parent][2]]))));
  });
  return TREE.map(([name, , , rest], n) => {
    const other = name.startsWith("Left") ? name.replace("Left", "Right") : name.replace("Right", "Left");
    return times(rest, (lengths[n] + lengths[TREE.findIndex(([known]) => known === other)]) / 2);
  });
}

function* hierarchy(offsets: Vector[], n: number, indent: string): Generator<string> {
  const rotations = "Zrotation Xrotation Yrotation";
  yield `${indent}${n ? "JOINT" : "ROOT"} ${TREE[n][0]}`;
  yield `${indent}{`;
  yield `${indent}  OFFSET ${offsets[n].map((value) => number(n ? value * 100 : 0)).join(" ")}`;
  yield `${indent}  CHANNELS ${n ? `3 ${rotations}` : `6 Xposition Yposition Zposition ${rotations}`}`;
  for (const child of CHILDREN[n]) yield* hierarchy(offsets, child, `${indent}  `);
  if (!CHILDREN[n].length) yield* [`${indent}  ${END}`, `${indent}  {`, `${indent}    OFFSET 0 0 0`, `${indent}  }`];
  yield `${indent}}`;
}

/** The line of one frame. The joints of the tree are in the order of the hierarchy. */
function channels(pose: Vector[], offsets: Vector[]): string {
  const turns: Rotation[] = [], at: Vector[] = [], values: number[] = [];
  TREE.forEach(([, parent], n) => {
    const above = parent < 0 ? undefined : turns[parent];
    turns.push(orientation(pose, n, above));
    const offset = above ? apply(above, offsets[n]) : offsets[n], base: Vector = above ? at[parent] : [0, 0, 0];
    at.push([base[0] + offset[0], base[1] + offset[1], base[2] + offset[2]]);
    values.push(...zxy(above ? product(transpose(above), turns[n]) : turns[n]));
  });
  const height = SOLE - Math.min(...at.map((place) => place[1]));
  return [0, height * 100, 0, ...values].map(number).join(" ");
}

/** The rotation of a joint from the rest pose, relative to the world. */
function orientation(pose: Vector[], n: number, above: Rotation | undefined): Rotation {
  if (n === HIPS) return basis(minus(pose[4], pose[1]), minus(pose[7], pose[0]), "across");
  if (n === CHEST) return basis(minus(pose[11], pose[14]), minus(pose[8], pose[7]), "up");
  const [child] = CHILDREN[n];
  if (child === undefined || !above) return above!;
  const start = apply(above, TREE[child][3]);
  return product(shortest(start, minus(pose[TREE[child][2]], pose[TREE[n][2]])), above);
}

/** The rotation that takes x to `across` and y to `up`: one of them exactly, the other as nearly as possible. */
function basis(across: Vector, up: Vector, exact: "across" | "up"): Rotation {
  let x = unit(across), y = unit(up);
  if (exact === "across") y = unit(minus(y, times(x, dot(x, y)))); else x = unit(minus(x, times(y, dot(x, y))));
  return transpose([x, y, cross(x, y)]);
}

/** The angles about z, x and y in degrees whose rotations multiply to this one. */
function zxy(turn: Rotation): [number, number, number] {
  const x = Math.asin(Math.min(Math.max(turn[2][1], -1), 1));
  const locked = Math.abs(turn[2][1]) > 1 - 1e-12;
  const z = locked ? Math.atan2(turn[1][0], turn[0][0]) : Math.atan2(-turn[0][1], turn[1][1]);
  const y = locked ? 0 : Math.atan2(-turn[2][0], turn[2][2]);
  return [z, x, y].map((angle) => (angle * 180) / Math.PI) as [number, number, number];
}
