"""Weights on disk: what comes back, and everything that must be refused."""

import hashlib
import json
import os
import pickle
import re
import zipfile
from argparse import Namespace
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
import torch
from torch import nn

import poseglass as pg
from oracle import published
from poseglass.errors import PoseglassError, WeightsError
from poseglass.models import Card, MixSTE
from poseglass.waist._base import Pruner
from poseglass.waist.hourglass import Hourglass, hourglass
from poseglass.waist.prune import DensityPeaks
from poseglass.weights import files as weights


def tiny() -> MixSTE:
    torch.manual_seed(0)
    return MixSTE(frames=9, dim=16, depth=4, heads=4)


def state(keep: int | None = None) -> dict[str, np.ndarray]:
    return published.filled(published.mixste_shapes(frames=9, dim=16, depth=4, keep=keep))


def rewrite_config(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


WAIST = {
    "class": "Hourglass",
    "backbone": {"class": "MixSTE", "dim": 16, "frames": 9},
    "schedule": {"1": 3},
    "prune": "density",
    "recover": "attention",
}


class Bomb:
    """Unpickled by an ordinary unpickler, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


class TestFolders:
    def test_what_was_saved_comes_back(self, tmp_path):
        model = hourglass(tiny(), keep={1: 5, 3: 3}, prune="uniform", recover="interpolate")
        nn.init.normal_(model.kept_embedding["1"])
        back = weights.load(weights.save(model.train(), tmp_path / "a" / "b", about="made for a test"))
        assert isinstance(back, Hourglass)
        assert back.schedule == {1: 5, 3: 3}
        assert list(back.schedule) == [1, 3]
        assert not any(part.training for part in back.modules())
        assert json.loads((tmp_path / "a" / "b" / "config.json").read_text())["about"] == "made for a test"
        x = torch.randn(2, 9, 17, 2)
        with torch.inference_mode():
            assert torch.equal(back(x), model.eval()(x))

    def test_a_pruner_comes_back_with_its_settings(self, tmp_path):
        model = hourglass(tiny(), keep=4, at=1, prune=DensityPeaks(neighbours=5)).eval()
        back = weights.load(weights.save(model, tmp_path))
        clip = torch.randn(8, 9, 17, 2)
        assert torch.equal(back.trace(clip).kept[1], model.trace(clip).kept[1])

    def test_stochastic_depth_comes_back(self, tmp_path):
        model = MixSTE(frames=9, dim=16, depth=3, heads=2, drop=0.5)
        assert weights.load(weights.save(model, tmp_path)).temporal[2].drop.rate == 0.5

    def test_half_is_half_the_size_and_close(self, tmp_path):
        model = tiny().eval()
        sizes = [
            (weights.save(model, tmp_path / name, half=half) / "weights.safetensors").stat().st_size
            for name, half in (("whole", False), ("half", True))
        ]
        assert sizes[1] < 0.6 * sizes[0]
        back = weights.load(tmp_path / "half")
        assert {value.dtype for value in back.state_dict().values()} == {torch.float32}
        x = torch.randn(1, 9, 17, 2)
        with torch.inference_mode():
            assert (back(x) - model(x)).abs().max() < 5e-3

    def test_saving_twice_writes_the_same_bytes(self, tmp_path):
        for name in "ab":
            weights.save(tiny(), tmp_path / name)
        for file in ("weights.safetensors", "config.json"):
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()

    def test_the_checksum_is_that_of_the_file(self, tmp_path):
        weights.save(tiny(), tmp_path)
        digest = hashlib.sha256((tmp_path / "weights.safetensors").read_bytes()).hexdigest()
        assert json.loads((tmp_path / "config.json").read_text())["sha256"] == digest

    def test_a_changed_byte_is_found(self, tmp_path):
        weights.save(tiny(), tmp_path)
        content = bytearray((tmp_path / "weights.safetensors").read_bytes())
        content[-1] ^= 1
        (tmp_path / "weights.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match=r"checksum.*damaged"):
            weights.load(tmp_path)

    def test_a_truncated_file_whose_checksum_was_made_to_fit(self, tmp_path):
        weights.save(tiny(), tmp_path)
        content = (tmp_path / "weights.safetensors").read_bytes()[:-100]
        (tmp_path / "weights.safetensors").write_bytes(content)
        rewrite_config(tmp_path, sha256=hashlib.sha256(content).hexdigest())
        with pytest.raises(WeightsError, match="cannot be loaded"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("missing", ["weights.safetensors", "config.json"])
    def test_half_of_a_folder(self, tmp_path, missing):
        weights.save(tiny(), tmp_path)
        (tmp_path / missing).unlink()
        with pytest.raises(WeightsError, match=rf"not a folder of weights.safetensors and config.json.*{missing}"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}"])
    def test_a_config_that_is_something_else(self, tmp_path, text):
        weights.save(tiny(), tmp_path)
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(WeightsError, match=str(tmp_path)):
            weights.load(tmp_path)

    @pytest.mark.parametrize(
        "model",
        [
            None,
            [],
            "MixSTE",
            {},
            {"class": "Evil"},
            {"class": ["MixSTE"]},
            {"class": "MixSTE", "frames": 9, "colour": "red"},
            {"class": "MixSTE", "frames": "nine"},
            {"class": "MixSTE", "dim": 16, "heads": 5},
            *({"class": name, "heads": 0} for name in weights.BACKBONES),
            {"class": "MHFormer", "encoder_heads": 0},
            {"class": "Hourglass"},
            WAIST | {"schedule": []},
            WAIST | {"schedule": {"1": "three"}},
            WAIST | {"prune": "x"},
            WAIST | {"neighbours": "two"},
            WAIST | {"backbone": {"class": "Hourglass"}},
            WAIST | {"backbone": WAIST},
            WAIST | {"class": "Funnel"},
            WAIST | {"class": "Funnel", "always": "first"},
            WAIST | {"class": "Funnel", "always": 9},
            WAIST | {"class": "Funnel", "always": 4, "backbone": WAIST},
        ],
    )
    def test_a_config_that_describes_no_model(self, tmp_path, model):
        weights.save(tiny(), tmp_path)
        rewrite_config(tmp_path, model=model)
        with pytest.raises(WeightsError, match=str(tmp_path)):
            weights.load(tmp_path)

    def test_the_format_of_another_version(self, tmp_path):
        weights.save(tiny(), tmp_path)
        rewrite_config(tmp_path, format="poseglass weights 2")
        with pytest.raises(WeightsError, match=r"format should be 'poseglass weights 1'"):
            weights.load(tmp_path)

    def test_a_model_that_is_not_the_config_s(self, tmp_path):
        weights.save(tiny(), tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        rewrite_config(tmp_path, model=config["model"] | {"dim": 32})
        with pytest.raises(WeightsError, match=r"of another shape: \S+ \(16,?.*\) instead of \(32,?.*\), "):
            weights.load(tmp_path)

    def test_what_does_not_fit_is_told_in_a_line(self):
        with pytest.raises(
            WeightsError, match=r"does not fit .* missing: \S+, \S+, \S+, \S+, \.\.\.; \d+ left"
        ) as told:
            weights.load_state(tiny(), pg.create_model("motionagformer-tiny", frames=27).state_dict(), "x")
        assert len(str(told.value)) < 700, "and not hundreds of names"

    def test_the_folder_of_a_run_is_told_from_its_weights(self, tmp_path):
        weights.save(tiny(), tmp_path / "run" / "best")
        with pytest.raises(WeightsError, match=r"run is not a folder of .*; its best weights are in .*run/best$"):
            weights.load(tmp_path / "run")

    def test_a_model_of_ones_own_cannot_be_described(self, tmp_path):
        class Ends(Pruner):
            def forward(self, tokens, pose2d, *, keep, always=None):
                return torch.tensor([[0, 8]]).expand(len(tokens), 2)

        for model in (nn.Linear(2, 2), hourglass(tiny(), keep=2, at=1, prune=Ends())):
            with pytest.raises(WeightsError, match="config"):
                weights.save(model, tmp_path / "x")
        assert not (tmp_path / "x").exists()

    def test_a_place_that_cannot_be_written(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(WeightsError, match="cannot write"):
            weights.save(tiny(), tmp_path / "file")

    @pytest.mark.parametrize("coordinates", ["person", "screen"])
    def test_a_model_knows_what_its_input_is(self, as_used, tmp_path, coordinates):
        model = hourglass(tiny(), keep=3, at=1).with_card(Card(coordinates=coordinates))
        assert weights.load(weights.save(model, tmp_path)).card.coordinates == coordinates
        config = json.loads((tmp_path / "config.json").read_text())
        config["model"]["backbone"]["coordinates"] = "pixels"
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(WeightsError, match="coordinates should be person or screen, not 'pixels'"):
            weights.load(tmp_path)

    def test_a_model_knows_what_it_was_trained_for(self, as_used, tmp_path):
        card = Card(answers="centre", keypoints="cpn", skeleton="mpi_inf_3dhp17")
        model = hourglass(tiny(), keep=3, at=1).with_card(card)
        assert weights.load(weights.save(model, tmp_path)).card == card
        config = json.loads((tmp_path / "config.json").read_text())
        for name, wrong, words in (
            ("answers", "some", "all or centre, not 'some'"),
            ("keypoints", 3, "text, not 3"),
            ("skeleton", "h36m16", "h36m17 or .*, not 'h36m16'"),
        ):
            backbone = config["model"]["backbone"] | {name: wrong}
            (tmp_path / "config.json").write_text(
                json.dumps(config | {"model": config["model"] | {"backbone": backbone}})
            )
            with pytest.raises(WeightsError, match=f"{name} should be {words}"):
                weights.load(tmp_path)
        for name in ("answers", "keypoints", "skeleton", "units"):  # as folders were before
            del config["model"]["backbone"][name]
        (tmp_path / "config.json").write_text(json.dumps(config))
        assert weights.load(tmp_path).card == Card()


class TestCheckpoints:
    def test_published_models_see_the_screen(self, tmp_path):
        loaded = weights.load(published.write(state(), tmp_path / "x.pth"))
        assert loaded.card == Card(coordinates="screen", answers="all")
        assert weights.load(published.write(state(3), tmp_path / "y.pth")).card.coordinates == "screen"
        assert weights.load("balanced").card == Card()

    def test_nothing_there(self, tmp_path):
        with pytest.raises(WeightsError, match=r"no weights.*nothing.*balanced"):
            weights.load(tmp_path / "nothing")
        with pytest.raises(WeightsError, match=r"no weights acurate.*balanced"):
            weights.load("acurate")

    @pytest.mark.parametrize("keep", [None, 3])
    @pytest.mark.parametrize("key", ["head.1.bias", "Temporal_norm.weight", "TTEblocks.2.mlp.fc1.weight"])
    def test_missing_keys_are_listed_by_their_published_names(self, tmp_path, keep, key):
        broken = state(keep)
        del broken[key]
        with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    @pytest.mark.parametrize("key", ["x_token", "cross_attention.linear_v.weight"])
    def test_missing_keys_of_the_waist(self, tmp_path, key):
        broken = state(3)
        del broken[key]
        with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    @pytest.mark.parametrize("key", ["x_token", "Spatial_norm.scale", "head.2.weight", "optimizer"])
    def test_keys_left_over_are_listed(self, tmp_path, key):
        broken = state() | {key: np.zeros(3, np.float32)}
        with pytest.raises(WeightsError, match=rf"1 left over: {key}$"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    def test_shapes_that_do_not_fit_are_listed(self, tmp_path):
        broken = state() | {"STEblocks.1.mlp.fc1.weight": np.zeros((64, 16), np.float32)}
        with pytest.raises(WeightsError, match=r"STEblocks.1.mlp.fc1.weight \(64, 16\) instead of \(32, 16\)"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    @pytest.mark.parametrize("key", ["Spatial_patch_to_embedding.weight", "Temporal_pos_embed", "pos_embed_token"])
    def test_tensors_that_no_size_can_be_read_off(self, tmp_path, key):
        broken = state(3) | {key: np.zeros(3, np.float32)}
        with pytest.raises(WeightsError, match=rf"{key}.*\(3,\)"):
            weights.load(published.write(broken, tmp_path / "x.pth"))

    def test_heads_and_layer_can_be_said(self, tmp_path):
        path = published.write(state(3), tmp_path / "x.pth")
        model = weights.load(path, heads=2, at=1)
        assert model.schedule == {1: 3}
        assert model.backbone.heads == model.recoverer.attention.heads == 2
        assert weights.load(path).schedule == {3: 3}
        for wrong in ({"heads": 3}, {"heads": 0}, {"at": 4}, {"at": 0}):
            with pytest.raises(PoseglassError, match=str(next(iter(wrong.values())))):
                weights.load(path, **wrong)

    def test_safetensors_are_read_too(self, tmp_path):
        from safetensors.numpy import save_file

        save_file(state(3), tmp_path / "hot.safetensors")
        assert isinstance(weights.load(tmp_path / "hot.safetensors"), Hourglass)
        whole = (tmp_path / "hot.safetensors").read_bytes()
        (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(WeightsError, match=r"short.safetensors cannot be read as a checkpoint"):
            weights.load(tmp_path / "short.safetensors")

    def test_a_truncated_pickle(self, tmp_path):
        whole = published.write(state(), tmp_path / "x.pth").read_bytes()
        (tmp_path / "x.pth").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
            weights.load(tmp_path / "x.pth")

    def test_two_threads_read_at_once(self, tmp_path, monkeypatch):
        # What numpy left beside the weights is read past, which torch takes to be a matter of the whole process.
        path = published.write(state(), tmp_path / "x.bin", "best_epoch.bin")
        safe = torch.serialization.get_safe_globals()
        read, other = torch.load, Thread(target=weights.load, args=[path])

        def slowly(*args, **how):
            if other.ident is None:
                other.start()
                other.join(0.5)  # it has come to its end if nothing makes it wait
            return read(*args, **how)

        monkeypatch.setattr(torch, "load", slowly)
        assert isinstance(weights.load(path), MixSTE)
        other.join()
        assert torch.serialization.get_safe_globals() == safe

    @pytest.mark.parametrize(
        ("content", "got"),
        [
            ({}, "none"),
            ([], "list"),
            (3, "int"),
            (torch.zeros(3), "Tensor"),
            ({"model_pos": {}}, "none"),
            ({"a": 1}, "'a' (int)"),
            ({"model": {"a": torch.zeros(1), "b": 2}}, "'b' (int)"),
            ({"epoch": 3, "net": {"a": torch.zeros(1)}, "a": torch.zeros(1)}, "'epoch' (int), 'net' (dict)"),
            (dict.fromkeys("abcdefg"), "'d' (NoneType), 'e' (NoneType) and 2 more"),
        ],
    )
    def test_a_pickle_without_a_state_dict(self, tmp_path, content, got):
        torch.save(content, tmp_path / "x.pth")
        with pytest.raises(WeightsError, match=rf"holds no state dict: expected named tensors.*{re.escape(got)}$"):
            weights.load(tmp_path / "x.pth")

    @pytest.mark.parametrize(
        ("content", "protocol", "odd"),
        [
            ({"model": {"a": torch.zeros(1)}, "args": Namespace(lr=1)}, None, "argparse.Namespace"),
            ({"model": {"a": torch.zeros(1)}, "path": Path("x")}, None, "pathlib"),
            ({"a": [1.0]}, 4, "operand 149"),  # what pickle writes and torch.save does not
        ],
    )
    def test_what_is_not_read_is_named(self, tmp_path, content, protocol, odd):
        if protocol is None:
            torch.save(content, tmp_path / "x.pth")
        else:
            (tmp_path / "x.pth").write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(WeightsError, match=rf"something else than named tensors: \S*{odd}\S* \(pickled code is"):
            weights.load(tmp_path / "x.pth")

    def test_a_checkpoint_of_something_else_shows_its_keys(self, tmp_path):
        torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pth")
        with pytest.raises(WeightsError, match=r"not a checkpoint this version knows.*bias, weight"):
            weights.load(tmp_path / "x.pth")

    @pytest.mark.parametrize("name", ["text.pth", "empty.pth", "photo.jpg", "archive.zip"])
    def test_a_file_that_is_no_checkpoint(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes({"text.pth": b"hello", "photo.jpg": b"\xff\xd8\xff\xe0" * 99}.get(name, b""))
        if name == "archive.zip":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("readme", "hello")
        with pytest.raises(WeightsError, match=name):
            weights.load(path)

    @pytest.mark.parametrize("wrapped", [False, True])
    @pytest.mark.parametrize("by", ["torch", "torch, old format", "pickle"])
    def test_code_in_a_checkpoint_is_refused_and_never_run(self, tmp_path, by, wrapped):
        bomb = Bomb(tmp_path / "ran")
        content = {"model_pos": {"a": torch.zeros(1)}, "lr": bomb} if wrapped else bomb
        path = tmp_path / "evil.pth"
        if by == "pickle":
            path.write_bytes(pickle.dumps(content))
        else:
            torch.save(content, path, _use_new_zipfile_serialization=by == "torch")
        with pytest.raises(WeightsError, match="pickled code is never run"):
            weights.load(path)
        assert not (tmp_path / "ran").exists()
        pickle.loads(pickle.dumps(bomb))
        assert (tmp_path / "ran").exists(), "the bomb is a real one"
