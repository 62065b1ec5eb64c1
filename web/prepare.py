"""Write what the page needs into public/: the models, the detector's weights, and facts about the body.

`make web` runs it. It needs the extra `onnx`.
"""

import json
from dataclasses import asdict
from pathlib import Path

import onnx

from poseglass import engines, weights
from poseglass.body.skeleton import BLAZEPOSE_33, H36M_17, conversion
from poseglass.detect.fetch import detector_model
from poseglass.detect.unused_outputs import task_without_mask
from poseglass.engines import onnx_file
from poseglass.files.writing import writing
from poseglass.show.scene import GRID, SHADING, Viewpoint, bone_ends, figure_colours, girths, sides
from poseglass.show.viewer.record import COLOURS
from poseglass.weights.files import load

MODELS = ("balanced", "fast")


def about(models: dict[str, dict[str, object]]) -> dict[str, object]:
    """The facts that the page's scripts read from about.json."""
    return {
        "models": models,
        "joints": H36M_17.joints,
        "bones": H36M_17.bones,
        "conversion": conversion(BLAZEPOSE_33).tolist(),
        "scene": {
            "colours": COLOURS,
            "view": asdict(Viewpoint()),
            "grid": asdict(GRID),
            "shading": asdict(SHADING),
            "figure": figure_colours(0, alone=True),
            "bones": [*zip(*bone_ends(H36M_17), strict=True)],
            "sides": sides(H36M_17)[1],
            "girths": girths(H36M_17).tolist(),
        },
    }


def main() -> None:
    """Write the files; models only if they are missing or older than the weights and the exporter."""
    public = Path(__file__).parent / "public"
    out = public / "models"
    sources = [path for room in (engines, weights) for path in Path(*room.__path__).rglob("*") if path.is_file()]
    changed = max(path.stat().st_mtime for path in sources)
    models: dict[str, dict[str, object]] = {}
    for name in MODELS:
        model, path = load(name), out / f"{name}.onnx"
        if not path.exists() or path.stat().st_mtime < changed:
            onnx_file.export(model, path)
        (metadata,) = (entry.value for entry in onnx.load(path).metadata_props if entry.key == "poseglass")
        described = json.loads(metadata)
        usual = next(iter(model.schedule.values()))
        models[name] = {"frames": described["frames"], "keep": described["keep"], "usual": usual}
    task = detector_model()
    contents = {
        out / "pose_landmarker.task": task_without_mask(task) or task.read_bytes(),
        out / "about.json": json.dumps(about(models)).encode(),
        public / "LICENSE.txt": (public.parents[1] / "LICENSE").read_bytes(),
    }
    for path, content in contents.items():
        with writing(path) as temporary:
            temporary.write_bytes(content)


if __name__ == "__main__":
    main()
