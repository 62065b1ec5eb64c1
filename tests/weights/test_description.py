"""Descriptions of models in saved weights, and custom classes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import poseglass as pg
from oracle import bodies
from poseglass.body.skeleton import H36M_17
from poseglass.data.clips import MotionClip, MotionClips
from poseglass.errors import WeightsError
from poseglass.models import MODELS, Card, MixSTE, PoseTransformer, Size, list_models
from poseglass.training.loop import train
from poseglass.training.recipe import Recipe
from poseglass.waist._base import Pruner, Recoverer
from poseglass.waist.hourglass import Funnel, Hourglass, funnel, hourglass
from poseglass.waist.prune import DensityPeaks
from poseglass.waist.recover import RecoveringAttention
from poseglass.weights import files as weights
from poseglass.weights.description import build, description_of


class Stranger(PoseTransformer):
    """A custom backbone."""

    def __init__(self, *, width: int = 4, shape: tuple[int, ...] = (9,)) -> None:
        super().__init__()
        self.dim, self.frames, self.depth, self.inputs, self.heads = width, shape[0], 2, 2, 2
        self.config = {"width": width, "shape": shape}
        self.project, self.out = nn.Linear(2, width), nn.Linear(width, 3)

    def embed(self, pose2d: Tensor) -> Tensor:
        return self.project(pose2d)

    def layer(self, index: int, tokens: Tensor, received: list | None = None) -> Tensor:
        return tokens + tokens.mean(1, keepdim=True)

    def head(self, tokens: Tensor) -> Tensor:
        return self.out(tokens)


class Trainable(Stranger):
    """A custom backbone with the arguments that a recipe sets."""

    def __init__(self, *, frames: int = 9, inputs: int = 2) -> None:
        super().__init__(width=4, shape=(frames,))
        self.inputs, self.project = inputs, nn.Linear(inputs, 4)
        self.config = {"frames": frames, "inputs": inputs}


class Elsewhere:
    """Holds a class with the name of one of ours and a class with the name of the custom backbone."""

    class MixSTE(Stranger):
        pass

    class Stranger(Stranger):
        pass


def same_name(module: str) -> type[PoseTransformer]:
    """A class called Stranger in another module."""
    return type("Stranger", (Stranger,), {"__module__": module})


@pytest.mark.parametrize("name", list_models())
def test_every_size_is_described_and_rebuilt(name):
    with torch.device("meta"):
        model = pg.create_model(name, card=Card(keypoints="gt"))
        described = json.loads(json.dumps(description_of(model)))
        again = build(described)
    assert type(again) is type(model)
    assert (again.config, again.card) == (model.config, model.card)
    assert {k: v.shape for k, v in again.state_dict().items()} == {k: v.shape for k, v in model.state_dict().items()}


def test_the_settings_of_a_waist_are_restored(tmp_path):
    """The number of heads does not show in any tensor's shape."""
    torch.manual_seed(0)
    backbone = MixSTE(frames=9, dim=16, depth=2, heads=4)
    recoverer = RecoveringAttention(dim=16, frames=9, heads=2)
    nn.init.normal_(recoverer.queries)
    model = Hourglass(backbone, schedule={1: 4}, pruner=DensityPeaks(neighbours=5), recoverer=recoverer).eval()
    back = weights.load(weights.save(model, tmp_path))
    assert (back.pruner.neighbours, back.recoverer.attention.heads, back.backbone.heads) == (5, 2, 4)
    clip = torch.randn(8, 9, 17, 2)
    assert torch.equal(back.trace(clip).kept[1], model.trace(clip).kept[1])
    assert torch.equal(back(clip), model(clip))


def test_a_funnel_remembers_what_it_was_built_for(tmp_path):
    changed = funnel("mixste-tiny", frames=27, keep={1: 9, 2: 3}).with_keep(1)
    back = weights.load(weights.save(changed, tmp_path))
    assert (back.schedule, back.nominal) == ({1: 1, 2: 1}, {1: 9, 2: 3})
    assert back.with_keep(9).schedule == {1: 9, 2: 3}


def test_a_funnel_is_restored(tmp_path):
    back = weights.load(weights.save(funnel("mixste-tiny", frames=9, keep=4, at=1, always=2), tmp_path))
    assert isinstance(back, Funnel)
    assert (back.always, back.schedule) == (2, {1: 4})


class TestCustomBackbones:
    @pytest.mark.parametrize("waist", [False, True])
    def test_a_custom_backbone_is_restored_if_its_class_is_given(self, tmp_path, waist):
        torch.manual_seed(0)
        model = Stranger(width=6, shape=(9, 1)).with_card(Card(keypoints="gt")).eval()
        if waist:
            model = hourglass(model, keep=4, at=1)
        back = weights.load(weights.save(model, tmp_path), backbone=Stranger)
        assert back.card == Card(keypoints="gt")
        clip = torch.randn(2, 9, 17, 2)
        assert torch.equal(back(clip), model.eval()(clip))

    def test_a_custom_backbone_without_its_class_is_refused(self, tmp_path):
        weights.save(Stranger(), tmp_path)
        with pytest.raises(WeightsError, match=r"test_description:Stranger, a class outside.*backbone=Stranger\)"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("other", [MixSTE, Elsewhere.Stranger, same_name("elsewhere")])
    def test_a_different_class_is_refused(self, tmp_path, other):
        weights.save(Stranger(), tmp_path)
        with pytest.raises(WeightsError, match=r"belong to test_description:Stranger, not to \S*: pass the former"):
            weights.load(tmp_path, backbone=other)

    def test_the_class_of_a_program_is_the_same_class_when_imported_and_vice_versa(self, tmp_path):
        program = same_name("__main__")
        weights.save(program(), tmp_path / "program")
        assert type(weights.load(tmp_path / "program", backbone=Stranger)) is Stranger
        weights.save(Stranger(), tmp_path / "imported")
        assert type(weights.load(tmp_path / "imported", backbone=program)) is program

    def test_a_custom_class_with_one_of_our_names_is_not_taken_for_ours(self, tmp_path):
        weights.save(Elsewhere.MixSTE(), tmp_path)
        with pytest.raises(WeightsError, match=r"test_description:Elsewhere\.MixSTE"):
            weights.load(tmp_path)
        assert type(weights.load(tmp_path, backbone=Elsewhere.MixSTE)) is Elsewhere.MixSTE

    def test_our_class_is_not_taken_for_a_custom_one(self, tmp_path):
        weights.save(MixSTE(frames=9, dim=16, depth=2, heads=2), tmp_path)
        assert isinstance(weights.load(tmp_path, backbone=MixSTE), MixSTE)
        with pytest.raises(WeightsError, match=r"poseglass's own MixSTE, not to test_description:Elsewhere.MixSTE"):
            weights.load(tmp_path, backbone=Elsewhere.MixSTE)

    def test_loading_imports_nothing_that_the_file_names(self, tmp_path):
        (tmp_path / "bomb.py").write_text("open('ran', 'w')\nclass Net: pass\n")
        weights.save(Stranger(), tmp_path / "net")
        file = tmp_path / "net" / "weights.safetensors"
        described = b"test_description:Stranger"
        content = file.read_bytes()
        # A wrong checksum would be refused first, so the check is disabled as if the checksum were forged.
        code = (
            "import sys, poseglass as pg\nfrom poseglass.weights import files\n"
            "files._checksum = lambda content, digest: digest\n"
            "try:\n    pg.load('net')\nexcept pg.PoseglassError as problem:\n    print(problem)\n"
            "assert 'bomb' not in sys.modules"
        )
        name = b"bomb:Net".ljust(len(described), b" ")
        file.write_bytes(content.replace(described, name, 1))
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert not done.returncode, done.stderr
        assert "bomb:Net" in done.stdout
        assert not (tmp_path / "ran").exists()


def test_a_custom_backbone_in_the_table_is_trained_saved_and_loaded(tmp_path, monkeypatch):
    """A row in the table, added by the user's program, is enough."""
    monkeypatch.setitem(MODELS, "stranger", Size(Trainable, "somebody else's"))
    takes = [
        MotionClip(name, bodies.motion(40, H36M_17.joints, seed).astype(np.float32), name, split)
        for seed, (name, split) in enumerate((("anna", "train"), ("ben", "val")))
    ]
    MotionClips(tuple(takes), fps=60.0).save(tmp_path / "clips.npz")
    recipe = Recipe().updated(
        {
            "model": {"name": "stranger", "frames": 9},
            "waist": {"keep": {1: 4}},
            "data": {"path": str(tmp_path / "clips.npz"), "batch": 2},
            "schedule": {"steps": 2, "warmup": 1},
            "run": {"save_every": 1, "validate_every": 1, "validation_clips": 4},
        }
    )
    best = train(recipe, tmp_path / "run")
    with pytest.raises(WeightsError, match=r"test_description:Trainable, a class outside"):
        weights.load(best)
    model = weights.load(best, backbone=Trainable)
    assert isinstance(model.backbone, Trainable)
    assert (model.frames, model.schedule) == (9, {1: 4})
    train(recipe.override("schedule.steps=3"), tmp_path / "run")  # resumes


class TestWhatCannotBeDescribed:
    def test_something_that_is_not_a_model_is_refused(self, tmp_path):
        with pytest.raises(WeightsError, match="expected a backbone, an hourglass or a funnel, got a Linear"):
            weights.save(nn.Linear(2, 2), tmp_path / "x")
        assert not (tmp_path / "x").exists()

    @pytest.mark.parametrize(
        ("config", "words"),
        [
            (None, "does not say how it was built: set self.config"),
            ({"width": torch.zeros(1)}, "config of Stranger should map .* not JSON serializable"),
            ({"width": float("nan")}, "config of Stranger should map"),
            ({"colour": "red"}, "config of Stranger .*unexpected keyword argument 'colour'"),
        ],
    )
    def test_a_backbone_with_a_wrong_config_is_refused(self, tmp_path, config, words):
        model = Stranger()
        model.config = config
        with pytest.raises(WeightsError, match=words):
            weights.save(model, tmp_path / "x")
        assert not (tmp_path / "x").exists()

    def test_custom_pruners_and_recoverers_are_refused(self, tmp_path):
        class Ends(Pruner):
            def forward(self, tokens, pose2d, *, keep, always=None):
                return torch.tensor([[0, 8]]).expand(len(tokens), 2)

        class Middle(Recoverer):
            acts_on = "poses"

            @classmethod
            def for_backbone(cls, backbone):
                return cls()

            def forward(self, x, kept, *, frames):
                return x[:, :1].expand(-1, frames, -1, -1)

        for parts, name in (({"prune": Ends()}, "Ends"), ({"recover": Middle()}, "Middle")):
            with pytest.raises(WeightsError, match=rf"{name} is not one of this package's classes \("):
                weights.save(hourglass(MixSTE(frames=9, dim=16, depth=2), keep=2, at=1, **parts), tmp_path / "x")
        assert not Path(tmp_path / "x").exists()
