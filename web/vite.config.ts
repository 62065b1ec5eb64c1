import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

const VIEWER = new URL("../src/poseglass/show/viewer/", import.meta.url);
const SCRIPTS = ["canvas", "camera", "floor", "figures", "pointer"];
const EXPORTS = "fit, line, css, makeCamera, makeFloor, makeFigures, listenToPointers";

/** The drawing scripts of poseglass's 3D viewer, which are plain scripts, as one module. */
const viewer: Plugin = {
  name: "poseglass-viewer",
  resolveId: (id) => (id === "virtual:viewer" ? "\0viewer" : undefined),
  load: (id) => id === "\0viewer"
    ? [...SCRIPTS.map((name) => readFileSync(new URL(`${name}.js`, VIEWER), "utf8")), `export { ${EXPORTS} };`].join("\n")
    : undefined,
};

/** Where MediaPipe sends figures about its use; the page sends them nowhere. */
const METRICS = "https://odml.pa.googleapis.com/v1/log";

const silence: Plugin = {
  name: "no-metrics",
  transform: (code, id) => {
    if (!id.includes("tasks-vision") || !id.includes("vision_bundle")) return undefined;
    if (code.split(METRICS).length !== 2) throw new Error(`expected ${METRICS} once in ${id}: look where it sends its metrics`);
    return { code: code.replace(METRICS, "data:,"), map: null };
  },
};

export default defineConfig({
  base: "./", // the page may be served from any folder
  plugins: [viewer, silence],
  build: { target: "es2022", assetsInlineLimit: 0, chunkSizeWarningLimit: 1000 },
  worker: { format: "es" },
});
