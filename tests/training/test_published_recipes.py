"""Recipes of the papers: the settings are the published ones, and a small version of each trains."""

import csv
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from oracle import bodies
from poseglass import H36M_17
from poseglass.clips.sample import Sample
from poseglass.cost.papers import TABLES
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.recordings.writer import write_recordings
from poseglass.data.synthetic.generate import generate
from poseglass.data.threedhp.prepare import prepare_3dhp
from poseglass.errors import DataError
from poseglass.lifting.lift import lift
from poseglass.training.build import build
from poseglass.training.loop import train
from poseglass.training.losses import JOINT_WEIGHTS
from poseglass.training.optimisers import rate
from poseglass.training.recipe import Recipe
from poseglass.training.state import TrainingState
from poseglass.weights import files as weights
from samples.commandline import someone

torch.set_num_threads(1)

FOLDER = Path(__file__).parents[2] / "recipes"
PUBLISHED = {f"{path.parent.name}/{path.stem}": path for path in sorted(FOLDER.glob("*/*.toml"))}
# The smallest sizes of each backbone that still have the layers its waist needs.
SMALL = {
    "mixste": {"dim": 8, "heads": 2},
    "motionbert": {"dim": 8, "heads": 2, "rep": 8, "mlp_ratio": 1},
    "mhformer": {"dim": 8, "heads": 2, "hidden": 8, "encoder_depth": 1},
    "motionagformer": {"dim": 8, "heads": 2, "rep": 8},
}


def read(name: str) -> Recipe:
    return Recipe.read(PUBLISHED[name])


PUBLISHED_MODELS = [
    pytest.param(f"{table}/{model.setup.recipe}", model, id=f"{table}-{model.name}")
    for table in TABLES
    for model in TABLES[table].models
    if model.setup and model.setup.recipe
]


@pytest.mark.parametrize(("name", "model"), PUBLISHED_MODELS)
def test_recipes_build_the_published_models(name, model):
    recipe = read(name)
    assert recipe.model.name == model.setup.size
    if model.setup.keep is not None:
        assert recipe.waist.keep == {model.setup.at: model.setup.keep}
    kind = recipe.waist.kind if recipe.waist.keep else "none"
    assert kind == model.setup.waist


@pytest.mark.parametrize("name", PUBLISHED)
def test_all_settings_of_the_published_training_are_written_out(name):
    settings = tomllib.loads(PUBLISHED[name].read_text())
    assert settings["model"].keys() >= {"name", "frames", "inputs", "init"}
    assert settings["data"].keys() >= {"path", "keypoints", "stride", "batch", "flip"}
    assert settings["loss"].keys() >= {"position", "smoothness", "velocity", "joint_weights"}
    assert settings["optim"].keys() >= {"name", "lr", "weight_decay", "clip", "ema"}
    assert settings["schedule"].keys() >= {"epochs", "factor", "warmup", "decay"}
    assert f"recipes/{name}.toml" in PUBLISHED[name].read_text(), "the command in the recipe names the recipe"
    assert (
        settings["data"]["keypoints"] == ("gt" if name.startswith("3dhp") else "cpn")
        or settings["model"]["inputs"] == 3
    )


def test_hot_w_mixste_has_the_published_settings():
    recipe = read("h36m/hot-mixste")
    assert {term: weight for term, weight in recipe.loss.terms().items() if weight} == {
        "position": 1, "smoothness": 0.5, "velocity": 2,
    }  # fmt: skip
    assert recipe.loss.joint_weights == JOINT_WEIGHTS
    assert (recipe.optim.name, recipe.optim.lr, recipe.optim.weight_decay) == ("adamw", 4e-5, 0.1)
    assert (recipe.data.batch, recipe.data.stride, recipe.data.flip) == (4, 243, "both")
    assert recipe.run.seed == 1126
    rates = [rate(10 * epoch, recipe.schedule, steps=1600, epoch=10) for epoch in range(160)]
    assert rates == pytest.approx([0.99**epoch for epoch in range(160)])


def test_mhformer_has_the_published_settings():
    recipe = read("h36m/mhformer")
    assert (recipe.optim.name, recipe.optim.amsgrad, recipe.optim.lr) == ("adam", True, 1e-3)
    assert (recipe.data.batch, recipe.data.stride) == (128, 1)
    assert read("h36m/tpc-mhformer").data.batch == 210
    assert rate(19, recipe.schedule, steps=20, epoch=1) == pytest.approx(0.95**16 * 0.5**3)
    assert recipe.loss.frames == "centre"
    assert recipe.loss.joint_weights == ()


@pytest.mark.parametrize(
    ("name", "lr", "batch", "epochs"), [("motionbert", 2e-4, 32, 120), ("motionagformer-b", 5e-4, 16, 60)]
)
def test_motionbert_and_motionagformer_have_the_published_settings(name, lr, batch, epochs):
    recipe = read(f"h36m/{name}")
    assert {term: weight for term, weight in recipe.loss.terms().items() if weight} == {
        "position": 1, "n_position": 0.5, "velocity": 20,
    }  # fmt: skip
    assert (recipe.optim.lr, recipe.optim.weight_decay, recipe.data.batch) == (lr, 0.01, batch)
    assert (recipe.schedule.epochs, recipe.schedule.factor, recipe.data.flip) == (epochs, 0.99, "random")


def small(recipe: Recipe) -> Recipe:
    """The recipe at 9 frames and 8 channels: all layers, the waist, the loss, the optimiser and the schedule."""
    family = recipe.model.name.split("-")[0]
    keep = {layer: max(round(9 * kept / recipe.model.frames), 1) for layer, kept in recipe.waist.keep.items()}
    stride = max(round(9 * recipe.data.stride / recipe.model.frames), 1)
    model = {"frames": 9, "sizes": SMALL[family]}
    return recipe.updated({"model": model, "waist": {"keep": keep}, "data": {"stride": stride}})


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_small_version_trains_on_random_clips(name):
    recipe = small(read(name))
    run = TrainingState(recipe, build(recipe), epoch=1)
    rng = np.random.default_rng(0)
    pose2d = rng.normal(size=(2, 9, 17, recipe.model.inputs)).astype(np.float32)
    sample = Sample(pose2d, rng.normal(0, 0.3, (2, 9, 17, 3)).astype(np.float32))
    before = {key: value.clone() for key, value in run.model.state_dict().items()}
    rates = []
    for _ in range(2):
        assert np.isfinite(run.advance(sample))
        rates.append(run.optimisers[0].param_groups[0]["lr"])
    assert run.steps == recipe.schedule.epochs, "an epoch is a step here"
    assert rates == pytest.approx([recipe.optim.lr, recipe.optim.lr * recipe.schedule.factor])
    still = [key for key, parameter in run.model.named_parameters() if torch.equal(parameter, before[key])]
    # While its queries are 0, cross-attention attends to all frames equally and its keys have no effect.
    assert not [key for key in still if not key.startswith("recoverer.attention.")], still
    errors = run.validate({"random": sample})
    assert errors.keys() == {"random_mpjpe", "random_p_mpjpe"}
    assert all(np.isfinite(value) for value in errors.values())


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[str, Path]:
    """Both data sets, generated and prepared by the commands; Human3.6M also has 2D poses with scores."""
    folder = tmp_path_factory.mktemp("made-up")
    generate("h36m", folder / "a", frames=12, subjects=("S1", "S9"))
    generate("3dhp", folder / "b", frames=12, subjects=("S1", "TS1"))
    with np.load(folder / "a" / "data_2d_h36m_cpn_ft_h36m_dbb.npz", allow_pickle=True) as file:
        positions, about = file["positions_2d"].item(), file["metadata"].item()
    scored = {
        subject: {
            take: [np.concatenate([view, np.full((*view.shape[:2], 1), 0.5, np.float32)], -1) for view in views]
            for take, views in takes.items()
        }
        for subject, takes in positions.items()
    }
    np.savez(folder / "a" / "data_2d_h36m_sh_ft_h36m.npz", positions_2d=np.array(scored, object), metadata=about)
    prepare_h36m(folder / "a", folder / "h36m")
    prepare_3dhp(folder / "b", folder / "3dhp")
    return {name: folder / name for name in ("h36m", "3dhp")}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_small_version_trains_on_a_prepared_data_set(name, stores, tmp_path):
    recipe = small(read(name)).updated(
        {
            "data": {"path": str(stores[name.split("/")[0]]), "batch": 4},
            "schedule": {"epochs": 0, "steps": 2},
            "run": {"validation_clips": 3},
        }
    )
    best = train(recipe, tmp_path / "run")
    trained = weights.load(best)
    assert trained.card.coordinates == "screen"
    motion = lift(someone(20), model=best)
    assert motion.points.shape == (20, 17, 3)
    assert np.isfinite(motion.points).all()
    assert (trained.frames, trained.inputs) == (9, recipe.model.inputs)
    about = json.loads((tmp_path / "run" / "data.json").read_text())
    assert about["keypoints"] == recipe.data.keypoints
    with (tmp_path / "run" / "metrics.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["step"] == "2"
    assert all(np.isfinite(float(value)) for value in row.values())


def test_a_recipe_for_stacked_hourglass_poses_names_the_missing_file(stores, tmp_path):
    """Most users have only CPN's 2D poses."""
    about = {"skeleton": "h36m17", "dataset": "Human3.6M", "sources": ("cpn",)}
    with write_recordings(tmp_path / "store", **about) as writer:
        for subject in ("S1", "S9"):
            who = {"subject": subject, "action": "a", "take": "a", "camera": "0", "fps": 50.0, "size": (1000, 1002)}
            writer.add(points3d=np.zeros((9, 17, 3)), points2d={"cpn": np.zeros((9, 17, 2))}, **who)
    recipe = small(read("h36m/hot-motionbert")).updated({"data": {"path": str(tmp_path / "store")}})
    with pytest.raises(DataError, match=r"no 2D poses 'sh'.*there are cpn: set data.keypoints.*data_2d_h36m_sh.npz"):
        train(recipe, tmp_path / "run")


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_the_recipes_of_the_shipped_weights_train(name, tmp_path):
    takes = [
        MotionClip(split, bodies.motion(60, H36M_17.joints, seed).astype(np.float32), split, split)
        for seed, split in enumerate(("train", "val"))
    ]
    MotionClips(tuple(takes), fps=60.0).save(tmp_path / "clips.npz")
    recipe = Recipe.read(FOLDER / f"{name}.toml")
    assert recipe.schedule.epochs == 0
    recipe = recipe.updated(
        {
            "model": {"frames": 9, "sizes": {"dim": 8, "heads": 2}},
            "waist": {"keep": dict.fromkeys(recipe.waist.keep, 3)},
            "data": {"path": str(tmp_path / "clips.npz"), "batch": 4},
            "schedule": {"steps": 2},
            "run": {"validation_clips": 4, "workers": 1},
        }
    )
    trained = weights.load(train(recipe, tmp_path / "run"))
    assert trained.card.coordinates == "person"
    assert (
        json.loads((tmp_path / "run" / "data.json").read_text())["fingerprint"]
        == MotionClips.load(tmp_path / "clips.npz").fingerprint
    )
