/** The 3D figure on its floor, drawn by the scripts of poseglass's viewer. */
import { fit, listenToPointers, makeCamera, makeFigures, makeFloor } from "virtual:viewer";
import type { Scene } from "./about";
import { JOINTS } from "./clip";

const ANKLES = [3, 6];
const SOLE = 0.06; // metres from the ankle to the ground

export class Stage {
  readonly camera;
  readonly #draw: () => void;
  readonly #body: { points: number[][] | null; valid: number[] };

  constructor(canvas: HTMLCanvasElement, scene: Scene) {
    const body = (this.#body = { points: null as number[][] | null, valid: [1] });
    const { bones, sides, girths } = scene;
    const person = {
      hidden: false, shown: [1], valid: body.valid, aside: 0, compared: false, colours: scene.figure, ankles: [],
      body: { bones, sides, girths, pose: () => body.points ?? [] },
    };
    const motion = { ...scene, people: [person], camera: null, place: "body", fps: 30 };
    const floor = makeFloor(motion), figures = makeFigures(motion), camera = (this.camera = makeCamera(motion));
    this.#draw = () => {
      const [pen, width, height] = fit(canvas), project = camera.projector(width, height, [0, 0, 0]);
      floor.draw(pen, project, [0, 0, 0], [], 0);
      person.hidden = !body.points;
      figures.draw(pen, project, 0, [width, height], false);
    };
    listenToPointers(canvas, camera, () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show a root-relative pose in camera space on the floor; one that was filled in is dimmed. */
  show(pose: ArrayLike<number>, seen: boolean): void {
    const body = this.#body, points = Array.from({ length: JOINTS }, (_, j) => [0, 1, 2].map((axis) => pose[j * 3 + axis]));
    const lowest = Math.max(...ANKLES.map((ankle) => points[ankle][1])) + SOLE; // its height above the floor is unknown
    for (const point of points) point[1] -= lowest;
    body.points = points;
    body.valid[0] = Number(seen);
    this.draw();
  }

  clear(): void {
    this.#body.points = null;
    this.draw();
  }

  draw(): void {
    this.#draw();
  }
}
