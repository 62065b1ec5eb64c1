/** Facts about the models and the body, which prepare.py wrote. */
export interface About {
  models: Record<string, ModelFacts>;
  joints: string[];
  bones: [child: string, parent: string][];
  /** The weight of each of MediaPipe's landmarks, by joint. */
  conversion: number[][];
  scene: Scene;
}

export interface ModelFacts {
  frames: number;
  /** The least and the largest number of frames that the model can keep; null if it always keeps the same number. */
  keep: [number, number] | null;
  usual: number;
}

type Colour = [number, number, number];

/** What the scripts of the 3D viewer read. */
export interface Scene {
  colours: Record<string, Colour>;
  view: Record<string, number>;
  grid: Record<string, number>;
  shading: Record<string, number>;
  figure: [middle: Colour, left: Colour, right: Colour];
  bones: [far: number, near: number][];
  sides: number[];
  girths: number[];
}

export async function readAbout(): Promise<About> {
  const answer = await fetch("models/about.json");
  if (!answer.ok) throw new Error(`the page is incomplete: models/about.json is missing (${answer.status})`);
  return (await answer.json()) as About;
}
