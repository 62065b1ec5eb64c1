"""Folders of weights: models are restored, damage is refused, and folders are always complete."""

import copy
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load as read_safetensors
from safetensors.torch import save as write_safetensors
from torch import nn

from poseglass.body.skeleton import H36M_17
from poseglass.errors import ModelError, WeightsError
from poseglass.models import BACKBONES, Card, MixSTE
from poseglass.motion.uncertainty import SIGNS, UncertaintyModel, kind_of
from poseglass.waist.hourglass import Hourglass, backbone_of, hourglass
from poseglass.weights import files as weights


def tiny(seed: int = 0) -> MixSTE:
    torch.manual_seed(seed)
    return MixSTE(frames=9, dim=16, depth=4, heads=4)


def metadata(folder: Path) -> dict:
    """The description stored in the file of weights."""
    content = (folder / "weights.safetensors").read_bytes()
    return json.loads(json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["poseglass"])


def rewrite(folder: Path, **changes: object) -> None:
    """Change the description and update its checksum, keeping the format of the file."""
    described = {**metadata(folder), **changes}
    tensors = read_safetensors((folder / "weights.safetensors").read_bytes())
    described["sha256"] = "0" * 64
    content = write_safetensors(tensors, metadata={"poseglass": json.dumps(described)})
    digest = hashlib.sha256(content).hexdigest().encode()
    (folder / "weights.safetensors").write_bytes(content.replace(b"0" * 64, digest, 1))


def as_format_1(model: MixSTE, folder: Path, config: dict) -> Path:
    """Write a folder in format 1."""
    folder.mkdir(parents=True, exist_ok=True)
    content = write_safetensors(dict(model.state_dict()))
    (folder / "weights.safetensors").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    about = {"format": "poseglass weights 1", "about": "", "model": config, "sha256": digest}
    (folder / "config.json").write_text(json.dumps(about))
    return folder


FORMAT_1 = {"class": "MixSTE", "frames": 9, "dim": 16, "depth": 4, "heads": 4}
BACKBONE = {"class": "MixSTE", "settings": {"dim": 16, "frames": 9}, "card": {}}
WAIST = {
    "class": "Hourglass",
    "backbone": BACKBONE,
    "schedule": {"1": 3},
    "prune": {"class": "density", "settings": {}},
    "recover": {"class": "attention", "settings": {"dim": 16, "frames": 9}},
}
FUNNEL = WAIST | {"class": "Funnel", "always": 4}


class TestRestoring:
    def test_the_model_is_restored(self, tmp_path):
        model = hourglass(tiny(), keep={1: 5, 3: 3}, prune="uniform", recover="interpolate")
        nn.init.normal_(model.kept_embedding["1"])
        back = weights.load(weights.save(model.train(), tmp_path / "a" / "b", about="made for a test"))
        assert isinstance(back, Hourglass)
        assert back.schedule == {1: 5, 3: 3}
        assert list(back.schedule) == [1, 3]
        assert not any(part.training for part in back.modules())
        assert all(part.training for part in model.modules()), "the caller's model is unchanged"
        assert metadata(tmp_path / "a" / "b")["about"] == "made for a test"
        x = torch.randn(2, 9, 17, 2)
        with torch.inference_mode():
            assert torch.equal(back(x), model.eval()(x))

    def test_stochastic_depth_is_restored(self, tmp_path):
        model = MixSTE(frames=9, dim=16, depth=3, heads=2, drop=0.5)
        assert weights.load(weights.save(model, tmp_path)).temporal[2].drop.rate == 0.5

    @pytest.mark.parametrize("model", [tiny(), hourglass(tiny(), keep=3, at=1)])
    def test_the_card_is_restored(self, tmp_path, model):
        card = Card(coordinates="screen", answers="centre", keypoints="cpn", skeleton="mpi_inf_3dhp17")
        assert weights.load(weights.save(model.with_card(card), tmp_path)).card == card

    def test_half_precision_has_half_the_size_and_close_weights(self, tmp_path):
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

    def test_the_global_generator_is_left_alone(self, tmp_path):
        weights.save(tiny(), tmp_path)
        before = torch.get_rng_state()
        weights.load(tmp_path)
        assert torch.equal(torch.get_rng_state(), before)


class TestWriting:
    def test_saving_twice_writes_the_same_bytes(self, tmp_path):
        for name in "ab":
            weights.save(tiny(), tmp_path / name)
        for file in ("weights.safetensors", "config.json"):
            assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()

    def test_the_config_for_people_has_no_effect_on_loading(self, tmp_path):
        weights.save(tiny(), tmp_path, about="mine")
        config = json.loads((tmp_path / "config.json").read_text())
        assert (config["about"], config["model"]) == ("mine", metadata(tmp_path)["model"])
        (tmp_path / "config.json").unlink()
        assert weights.load(tmp_path).depth == 4
        (tmp_path / "config.json").write_text("{")
        assert weights.load(tmp_path).depth == 4

    def test_any_safetensors_reader_can_read_the_weights(self, tmp_path):
        model = tiny()
        weights.save(model, tmp_path)
        tensors = read_safetensors((tmp_path / "weights.safetensors").read_bytes())
        assert all(torch.equal(value, tensors[name]) for name, value in model.state_dict().items())

    def test_a_file_in_place_of_the_folder_is_refused(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(WeightsError, match="cannot write"):
            weights.save(tiny(), tmp_path / "file")


KILL = """
import os, sys, traceback
from pathlib import Path
from poseglass.weights import files as weights
from safetensors.torch import load_file

new, folder = weights.load(sys.argv[1]), Path(sys.argv[2])
before = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else None

def restore():
    for path in folder.iterdir() if folder.is_dir() else ():
        path.unlink()
    for name, content in (before or {}).items():
        (folder / name).write_bytes(content)
    if before is None and folder.is_dir():
        folder.rmdir()

def is_file_operation(event, arguments):
    return event in ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "tempfile.mkstemp")

outcomes, killed = [], True
while killed:
    restore()
    child = os.fork()
    if not child:
        left = len(outcomes)
        def count(event, arguments):
            global left
            if is_file_operation(event, arguments):
                if not left:
                    os.kill(os.getpid(), 9)
                left -= 1
        sys.addaudithook(count)
        weights.save(new, folder)
        os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    try:
        outcomes.append(round(float(weights.load(folder).project.bias[0]), 3))
    except weights.WeightsError as problem:
        outcomes.append("none" if not (folder / "weights.safetensors").exists() else str(problem))
print(outcomes)
"""


@pytest.mark.parametrize("before", ["nothing", "format 1", "format 2"])
def test_after_a_kill_at_any_file_operation_the_folder_holds_the_old_or_new_weights(tmp_path, before):
    old, new = tiny(), tiny()
    with torch.no_grad():
        old.project.bias.fill_(1)
        new.project.bias.fill_(2)
    weights.save(new, tmp_path / "new")
    if before == "format 1":
        as_format_1(old, tmp_path / "run", FORMAT_1)
    elif before == "format 2":
        weights.save(old, tmp_path / "run")
    command = [sys.executable, "-W", "ignore", "-c", KILL, tmp_path / "new", tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    outcomes = json.loads(done.stdout.replace("'", '"'))
    first = "none" if before == "nothing" else 1.0
    assert len(outcomes) > 6, "there are several operations to interrupt"
    change = outcomes.index(2.0)
    assert outcomes == [first] * change + [2.0] * (len(outcomes) - change)
    assert 0 < change < len(outcomes) - 1


class TestFormat1:
    def test_a_backbone_is_restored(self, tmp_path):
        model = tiny().eval()
        back = weights.load(as_format_1(model, tmp_path, FORMAT_1))
        assert back.card == Card(), "fields that did not exist yet take their defaults"
        clip = torch.randn(1, 9, 17, 2)
        assert torch.equal(back(clip), model(clip))
        card = {"coordinates": "screen", "answers": "centre", "keypoints": "cpn", "skeleton": "mpi_inf_3dhp17"}
        assert weights.load(as_format_1(model, tmp_path, FORMAT_1 | card)).card == Card(**card)

    def test_a_waist_is_restored(self, tmp_path):
        model = hourglass(tiny(), keep={1: 5, 3: 3}).eval()
        config = {
            "class": "Hourglass", "backbone": FORMAT_1, "schedule": {"1": 5, "3": 3}, "prune": "density",
            "neighbours": 4, "recover": "attention",
        }  # fmt: skip
        back = weights.load(as_format_1(model, tmp_path, config))
        assert (back.schedule, back.pruner.neighbours) == ({1: 5, 3: 3}, 4)
        assert back.recoverer.attention.heads == 4

    def test_the_bundled_weights_are_loaded(self):
        assert isinstance(weights.load("balanced"), Hourglass)

    @pytest.mark.parametrize(
        ("field", "words"),
        [
            ({"coordinates": "pixels"}, "coordinates should be person or screen, not 'pixels'"),
            ({"answers": "some"}, "answers should be all or centre, not 'some'"),
            ({"keypoints": 3}, "keypoints should be text, not 3"),
            ({"skeleton": "h36m16"}, "skeleton should be h36m17 or .*, not 'h36m16'"),
        ],
    )
    def test_impossible_cards_are_refused(self, as_used, tmp_path, field, words):
        with pytest.raises(WeightsError, match=words):
            weights.load(as_format_1(tiny(), tmp_path, FORMAT_1 | field))

    def test_a_changed_byte_is_refused(self, tmp_path):
        as_format_1(tiny(), tmp_path, FORMAT_1)
        content = bytearray((tmp_path / "weights.safetensors").read_bytes())
        content[-1] ^= 1
        (tmp_path / "weights.safetensors").write_bytes(content)
        with pytest.raises(WeightsError, match=r"checksum.*damaged"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "{}", None])
    def test_a_config_of_another_kind_is_refused(self, tmp_path, text):
        config = as_format_1(tiny(), tmp_path, FORMAT_1) / "config.json"
        config.unlink() if text is None else config.write_text(text)
        with pytest.raises(WeightsError, match=f"{tmp_path} is not a folder of weights"):
            weights.load(tmp_path)


class TestRefusals:
    @pytest.mark.parametrize("place", ["tensors", "description", "shapes"])
    def test_a_changed_byte_is_refused(self, tmp_path, place):
        weights.save(tiny(), tmp_path, about="somewhere")
        content = (tmp_path / "weights.safetensors").read_bytes()
        changed = {
            "tensors": content[:-1] + bytes([content[-1] ^ 1]),
            "description": content.replace(b"somewhere", b"elsewhere", 1),
            "shapes": content.replace(b"[1,9,16]", b"[9,1,16]", 1),
        }[place]
        assert changed != content
        (tmp_path / "weights.safetensors").write_bytes(changed)
        with pytest.raises(WeightsError, match=r"checksum.*damaged"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("length", [0, 4, 8, 100, -100])
    def test_a_truncated_file_is_refused(self, tmp_path, length):
        weights.save(tiny(), tmp_path)
        content = (tmp_path / "weights.safetensors").read_bytes()
        (tmp_path / "weights.safetensors").write_bytes(content[:length])
        with pytest.raises(WeightsError, match=str(tmp_path)):
            weights.load(tmp_path)

    def test_a_folder_without_weights_is_refused(self, tmp_path):
        with pytest.raises(WeightsError, match=r"not a folder of weights: No such file.*weights.safetensors"):
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
            {"class": "MixSTE"},
            BACKBONE | {"class": "Evil"},
            BACKBONE | {"card": {"units": "feet"}},
            BACKBONE | {"card": {"colour": "red"}},
            *(BACKBONE | {"settings": s} for s in (None, [], {"colour": "red"}, {"frames": "nine"}, {"frames": -1})),
            BACKBONE | {"settings": {"dim": 16, "heads": 5}},
            *(BACKBONE | {"class": name, "settings": {"heads": 0}} for name in BACKBONES),
            BACKBONE | {"class": "MHFormer", "settings": {"encoder_heads": 0}},
            {"class": "Hourglass"},
            WAIST | {"schedule": []},
            WAIST | {"schedule": {"1": "three"}},
            WAIST | {"prune": "density"},
            WAIST | {"prune": {"class": "x", "settings": {}}},
            WAIST | {"prune": {"class": "density", "settings": {"neighbours": "two"}}},
            WAIST | {"recover": {"class": "attention", "settings": {"dim": 16, "frames": 5}}},
            WAIST | {"backbone": {"class": "Hourglass"}},
            WAIST | {"backbone": WAIST},
            FUNNEL | {"always": "first"},
            FUNNEL | {"always": 9},
            FUNNEL | {"backbone": WAIST},
        ],
    )
    def test_a_description_that_is_not_a_model_is_refused(self, as_used, tmp_path, model):
        weights.save(tiny(), tmp_path)
        rewrite(tmp_path, model=model)
        with pytest.raises(WeightsError, match=str(tmp_path)):
            weights.load(tmp_path)

    @pytest.mark.parametrize("form", ["poseglass weights 3", "poseglass weights 1", None])
    def test_an_unknown_format_is_refused(self, tmp_path, form):
        weights.save(tiny(), tmp_path)
        rewrite(tmp_path, format=form)
        with pytest.raises(WeightsError, match=r"should have the format 'poseglass weights 2'; if a newer poseglass"):
            weights.load(tmp_path)

    def test_tensors_that_do_not_match_the_description_are_refused(self, tmp_path):
        weights.save(tiny(), tmp_path)
        model = copy.deepcopy(metadata(tmp_path)["model"])
        model["settings"]["dim"] = 32
        rewrite(tmp_path, model=model)
        with pytest.raises(WeightsError, match=r"of another shape: \S+ \(16,?.*\) instead of \(32,?.*\), "):
            weights.load(tmp_path)

    def test_a_description_of_a_huge_model_is_refused_without_building_it(self, tmp_path):
        weights.save(tiny(), tmp_path)
        rewrite(tmp_path, model=BACKBONE | {"settings": {"frames": 9, "dim": 8_000_000, "depth": 4}})
        with pytest.raises(WeightsError, match="of another shape"):
            weights.load(tmp_path)

    @pytest.mark.parametrize(("sizes", "reason"), [
        ({"frames": -1}, "frames should be a whole number from 1 to 2,147,483,647, got -1"),
        ({"heads": 5}, "5 heads do not divide 16 channels"),
    ])  # fmt: skip
    def test_impossible_sizes_are_refused_in_one_sentence(self, tmp_path, sizes, reason):
        weights.save(tiny(), tmp_path)
        rewrite(tmp_path, model=BACKBONE | {"settings": {"frames": 9, "dim": 16, "depth": 4, "heads": 4} | sizes})
        with pytest.raises(WeightsError, match=f"{tmp_path} cannot be loaded: {reason}"):
            weights.load(tmp_path)

    @pytest.mark.parametrize("waist", [False, True])
    def test_more_layers_than_tensors_are_refused_without_building_them(self, tmp_path, waist):
        folder = weights.save(hourglass(tiny(), keep=3, at=1) if waist else tiny(), tmp_path / "x")
        for depth in (50_000, 10**9, 10**400):
            model = copy.deepcopy(metadata(folder)["model"])
            (model["backbone"] if waist else model)["settings"]["depth"] = depth
            rewrite(folder, model=model)
            with pytest.raises(WeightsError, match=r"has depth \d+, but the file has only \d+ tensors"):
                weights.load(folder)

    def test_mismatches_are_listed_briefly(self):
        other = hourglass("motionagformer-tiny", frames=27, keep=9, at=1).state_dict()
        with pytest.raises(WeightsError, match=r"does not fit .* missing: (\S+, ){4}\.\.\.; \d+ left") as caught:
            weights.load_state(tiny(), other, "x")
        assert len(str(caught.value)) < 700, "not hundreds of names"

    def test_the_folder_of_a_run_is_refused_with_a_hint_to_its_weights(self, tmp_path):
        weights.save(tiny(), tmp_path / "run" / "best")
        with pytest.raises(WeightsError, match=r"run is not a folder of .*; its best weights are in .*run/best$"):
            weights.load(tmp_path / "run")

    def test_settings_that_the_folder_already_holds_are_refused(self, tmp_path):
        weights.save(tiny(), tmp_path)
        for choice in ({"heads": 2}, {"at": 1}, {"neighbours": 2}):
            (name,) = choice
            with pytest.raises(
                WeightsError, match=rf"is a folder, whose description already gives {re.escape(name)}: leave that out"
            ):
                weights.load(tmp_path, **choice)


class TestDevices:
    """`meta` stands for a GPU."""

    def test_weights_are_loaded_onto_a_device(self, tmp_path):
        weights.save(hourglass(tiny(), keep=4, at=1), tmp_path / "own")
        for name, kind in ((None, "cpu"), ("cpu", "cpu"), (torch.device("cpu"), "cpu"), ("meta", "meta")):
            model = weights.load(tmp_path / "own", device=name)
            assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers())} == {kind}
            assert not model.training

    def test_a_missing_device_is_refused_before_anything_is_read(self, tmp_path):
        with pytest.raises(ModelError, match=r"this machine has no device cuda:99 .*; choose auto or one of cpu"):
            weights.load(tmp_path / "nothing", device="cuda:99")

    def test_weights_are_saved_from_the_cpu(self, tmp_path, monkeypatch):
        moved = []
        cpu = torch.Tensor.cpu
        monkeypatch.setattr(torch.Tensor, "cpu", lambda x: moved.append(x) or cpu(x))
        weights.save(tiny(), tmp_path / "own")
        assert len(moved) == len(tiny().state_dict())


def calibrated(folder: Path, digest: str | None = None) -> Path:
    """Put a calibration beside the weights of a folder."""
    own = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    UncertaintyModel({"knee": np.zeros(1 + len(SIGNS))}, digest or own).save(folder / "uncertainty.json")
    return folder


@pytest.mark.parametrize("kind", ["backbone", "hourglass", "format 1"])
def test_the_calibration_beside_the_weights_is_loaded(tmp_path, kind):
    if kind == "format 1":
        folder = as_format_1(tiny(), tmp_path / "a", FORMAT_1)
    else:
        folder = weights.save(tiny() if kind == "backbone" else hourglass(tiny(), keep=3, at=1), tmp_path / "a")
    assert backbone_of(weights.load(folder)).uncertainty is None
    calibration = backbone_of(weights.load(calibrated(folder))).uncertainty
    assert calibration is not None
    assert [*calibration.coefficients] == ["knee"]
    assert tiny().uncertainty is None


def test_the_calibration_of_other_weights_is_not_used(tmp_path, caplog):
    folder = calibrated(weights.save(tiny(), tmp_path / "a"))
    weights.save(tiny(1), folder)
    assert backbone_of(weights.load(folder)).uncertainty is None
    assert "fitted to other weights and is not used: fit it again" in caplog.text
    (folder / "uncertainty.json").write_text("{}")
    with pytest.raises(WeightsError, match="not a calibration"):
        weights.load(folder)


@pytest.mark.parametrize("half", [False, True])
def test_the_calibration_is_saved_with_the_weights_it_was_fitted_to(tmp_path, caplog, half):
    model = weights.load(calibrated(weights.save(tiny(), tmp_path / "a", half=half)))
    again = backbone_of(
        weights.load(weights.save(hourglass(model, keep=3, at=1), tmp_path / "b", half=half, about="b"))
    )
    assert again.uncertainty is None, "the waist's own weights are new"
    assert "have changed" in caplog.text
    caplog.clear()
    again = weights.load(weights.save(model, tmp_path / "c", half=half, about="moved"))
    assert again.uncertainty.coefficients.keys() == {"knee"}
    assert not caplog.text
    with torch.no_grad():
        next(iter(again.parameters())).add_(0.01)
    weights.save(again, tmp_path / "d")
    assert "the weights have changed since the uncertainty was fitted to them, so " in caplog.text
    assert weights.load(tmp_path / "d").uncertainty is None


def test_the_bundled_weights_keep_their_calibration_with_another_number_of_frames(tmp_path):
    folder = weights.save(weights.load("balanced", keep=16), tmp_path / "a")
    assert backbone_of(weights.load(folder)).uncertainty is not None


def test_the_bundled_weights_are_calibrated():
    """If this fails after the weights changed, run benchmarks/uncertainty.py on their folder."""
    for name in weights.BUNDLED:
        calibration = backbone_of(weights.load(name)).uncertainty
        assert calibration is not None
        assert {*calibration.coefficients} == {kind_of(joint) for joint in H36M_17.joints} - {"pelvis"}
        assert all(0.85 <= share <= 0.95 for name, share in calibration.coverage.items() if "left out" not in name)
