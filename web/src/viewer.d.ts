/** The scripts of poseglass's 3D viewer (vite.config.ts), as far as the page uses them. */
declare module "virtual:viewer" {
  type Colour = readonly [number, number, number];
  type Point = number[];
  type Pen = CanvasRenderingContext2D;
  type Project = ((point: Point) => Point) & { depth: number };

  interface Camera {
    look(view: string): void;
    reset(): void;
    turnBy(x: number, y: number): void;
    zoomBy(factor: number): void;
    projector(width: number, height: number, target: Point): Project;
  }

  export function css(colour: Colour, alpha?: number): string;
  export function fit(canvas: HTMLCanvasElement, width?: number, height?: number): [Pen, number, number];
  export function line(pen: Pen, a: Point, b: Point): void;
  export function makeCamera(motion: object): Camera;
  export function makeFloor(motion: object): { draw(pen: Pen, project: Project, target: Point, people: object[], frame: number): void };
  export function makeFigures(motion: object): { draw(pen: Pen, project: Project, frame: number, size: [number, number], uncertain: boolean): void };
  export function listenToPointers(stage: HTMLElement, camera: Camera, onChange: () => void): void;
}
