/** Vectors and rotation matrices (by rows) of three dimensions. */
export type Vector = readonly [number, number, number];
export type Rotation = readonly [Vector, Vector, Vector];

export const IDENTITY: Rotation = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

export const minus = (a: Vector, b: Vector): Vector => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const times = (a: Vector, factor: number): Vector => [a[0] * factor, a[1] * factor, a[2] * factor];
export const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const length = (a: Vector): number => Math.hypot(...a);
export const unit = (a: Vector): Vector => times(a, 1 / Math.max(length(a), 1e-12));
export const transpose = ([a, b, c]: Rotation): Rotation => [[a[0], b[0], c[0]], [a[1], b[1], c[1]], [a[2], b[2], c[2]]];
export const apply = (turn: Rotation, a: Vector): Vector => [dot(turn[0], a), dot(turn[1], a), dot(turn[2], a)];

export function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

/** The rotation that applies the second, then the first. */
export function product(first: Rotation, second: Rotation): Rotation {
  const columns = transpose(second);
  return [apply(columns, first[0]), apply(columns, first[1]), apply(columns, first[2])];
}

/** The smallest rotation that takes one direction to another. */
export function shortest(start: Vector, end: Vector): Rotation {
  const a = unit(start), b = unit(end), cosine = dot(a, b);
  let [x, y, z] = cross(a, b);
  if (cosine < -1 + 1e-9) { // opposite: half a turn about any axis across
    [x, y, z] = unit(cross(a, Math.abs(a[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0]));
    return [
      [2 * x * x - 1, 2 * x * y, 2 * x * z], [2 * x * y, 2 * y * y - 1, 2 * y * z], [2 * x * z, 2 * y * z, 2 * z * z - 1],
    ];
  }
  const share = 1 / (1 + cosine);
  return [
    [cosine + share * x * x, share * x * y - z, share * x * z + y],
    [share * x * y + z, cosine + share * y * y, share * y * z - x],
    [share * x * z - y, share * y * z + x, cosine + share * z * z],
  ];
}
