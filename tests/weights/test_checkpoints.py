"""Published checkpoints: they are recognised, and everything else is refused."""

import pickle
import re
import zipfile
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from oracle import published
from poseglass.errors import PoseglassError, WeightsError
from poseglass.models import BACKBONES, Card, MixSTE
from poseglass.waist.hourglass import Hourglass
from poseglass.weights import files as weights
from samples.bomb import Bomb


def state(keep: int | None = None) -> dict[str, np.ndarray]:
    return published.filled(published.mixste_shapes(frames=9, dim=16, depth=4, keep=keep))


def test_published_models_take_screen_coordinates(tmp_path):
    loaded = weights.load(published.write(state(), tmp_path / "x.pth"))
    assert loaded.card == Card(coordinates="screen", answers="all")
    assert weights.load(published.write(state(3), tmp_path / "y.pth")).card.coordinates == "screen"
    assert weights.load("balanced").card == Card(keeps=(0.1, 1.0))


def test_missing_weights_are_refused_with_the_known_ones(tmp_path):
    with pytest.raises(WeightsError, match=r"no weights.*nothing.*balanced"):
        weights.load(tmp_path / "nothing")
    with pytest.raises(WeightsError, match=r"no weights acurate.*balanced"):
        weights.load("acurate")


@pytest.mark.parametrize("keep", [None, 3])
@pytest.mark.parametrize("key", ["head.1.bias", "Temporal_norm.weight", "TTEblocks.2.mlp.fc1.weight"])
def test_missing_keys_are_listed_by_their_published_names(tmp_path, keep, key):
    broken = state(keep)
    del broken[key]
    with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


@pytest.mark.parametrize("key", ["x_token", "cross_attention.linear_v.weight"])
def test_missing_keys_of_a_waist_are_listed(tmp_path, key):
    broken = state(3)
    del broken[key]
    with pytest.raises(WeightsError, match=rf"1 missing: {key}$"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


@pytest.mark.parametrize("key", ["x_token", "Spatial_norm.scale", "head.2.weight", "optimizer"])
def test_unexpected_keys_are_listed(tmp_path, key):
    broken = state() | {key: np.zeros(3, np.float32)}
    with pytest.raises(WeightsError, match=rf"1 left over: {key}$"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


def test_shapes_that_do_not_fit_are_listed(tmp_path):
    broken = state() | {"STEblocks.1.mlp.fc1.weight": np.zeros((64, 16), np.float32)}
    with pytest.raises(WeightsError, match=r"STEblocks.1.mlp.fc1.weight \(64, 16\) instead of \(32, 16\)"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


@pytest.mark.parametrize("key", ["Spatial_patch_to_embedding.weight", "Temporal_pos_embed", "pos_embed_token"])
def test_tensors_that_do_not_show_the_size_are_refused(tmp_path, key):
    broken = state(3) | {key: np.zeros(3, np.float32)}
    with pytest.raises(WeightsError, match=rf"{key}.*\(3,\)"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


def test_heads_and_the_pruning_layer_can_be_chosen(tmp_path):
    path = published.write(state(3), tmp_path / "x.pth")
    model = weights.load(path, heads=2, at=1)
    assert model.schedule == {1: 3}
    assert model.backbone.heads == model.recoverer.attention.heads == 2
    assert weights.load(path).schedule == {3: 3}
    for wrong in ({"heads": 3}, {"heads": 0}, {"at": 4}, {"at": 0}):
        with pytest.raises(PoseglassError, match=str(next(iter(wrong.values())))):
            weights.load(path, **wrong)


def test_a_pruning_layer_changes_nothing_without_a_waist(tmp_path):
    path = published.write(state(), tmp_path / "x.pth")
    assert isinstance(weights.load(path, at=1), MixSTE)


def test_safetensors_files_are_read(tmp_path):
    from safetensors.numpy import save_file

    save_file(state(3), tmp_path / "hot.safetensors")
    assert isinstance(weights.load(tmp_path / "hot.safetensors"), Hourglass)
    whole = (tmp_path / "hot.safetensors").read_bytes()
    (tmp_path / "short.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=r"short.safetensors cannot be read as a checkpoint"):
        weights.load(tmp_path / "short.safetensors")


def test_a_truncated_pickle_is_refused(tmp_path):
    whole = published.write(state(), tmp_path / "x.pth").read_bytes()
    (tmp_path / "x.pth").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be read as a checkpoint"):
        weights.load(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("content", "got"),
    [
        ({}, "none"),
        ([], "an object of type list"),
        (3, "an object of type int"),
        (torch.zeros(3), "an object of type StoredTensor"),
        ({"model_pos": {}}, "none"),
        ({"a": 1}, "none"),
        (dict.fromkeys("abcdefg"), "none"),
    ],
)
def test_a_pickle_without_a_state_dict_is_refused(tmp_path, content, got):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=rf"holds no state dict: expected named tensors, got {got}$"):
        weights.load(tmp_path / "x.pth")


KEY = "Spatial_norm.weight"


class Rebuilt:
    """Pickled as torch pickles tensors of another kind: as a call of a function of ``torch._utils``."""

    def __init__(self, function: str) -> None:
        self.function = getattr(torch._utils, function)

    def __reduce__(self):
        return self.function, ("whatever",)


@pytest.mark.parametrize(
    ("tensor", "kind"),
    [
        (torch.ones(16).to_sparse(), "a sparse tensor"),
        (Rebuilt("_rebuild_qtensor"), "a quantised tensor"),
        (Rebuilt("_rebuild_nested_tensor"), "a nested tensor"),
        (torch.ones(16, device="meta"), "a tensor without data"),
    ],
    ids=["sparse", "quantised", "nested", "meta"],
)
def test_tensors_of_other_kinds_are_refused_by_name(tmp_path, tensor, kind):
    torch.save({**{key: torch.from_numpy(value) for key, value in state().items()}, KEY: tensor}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=rf"{KEY} is {kind}.*which is not read: save dense tensors"):
        weights.load(tmp_path / "x.pth")


@pytest.mark.parametrize("key", ["Temporal_pos_embed", KEY])
def test_tensors_without_elements_are_refused(tmp_path, key):
    broken = state() | {key: np.zeros((1, 10**12, 0), np.float32)}
    with pytest.raises(WeightsError, match=rf"{key} has no elements; its shape is \(1, 1000000000000, 0\)"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


@pytest.mark.parametrize(("content", "odd"), [(Namespace(lr=1), "argparse.Namespace"), (Path("x"), "pathlib")])
def test_objects_that_are_not_read_are_named_in_the_error(tmp_path, content, odd):
    torch.save({"model": {"a": torch.zeros(1)}, "rest": content}, tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=rf"known architecture.*objects of other classes are not read: .*{odd}"):
        weights.load(tmp_path / "x.pth")


def test_a_checkpoint_of_another_model_is_refused_with_its_keys(tmp_path):
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"not a checkpoint of a known architecture.*bias, weight"):
        weights.load(tmp_path / "x.pth")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\n", "starts with b'version https://git-lfs.github.com"),
        (b"hello", "starts with b'hello'"),
        (b"\xff\xd8\xff\xe0" * 99, r"starts with b'\xff\xd8"),
        (b"", "it is empty"),
    ],
)
def test_a_file_that_is_not_a_checkpoint_is_refused_with_its_start(tmp_path, content, words):
    path = tmp_path / "x.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=rf"x\.pth is not a PyTorch checkpoint: .*{re.escape(words)}.*torch\.save"):
        weights.load(path)


def test_a_pickle_that_torch_did_not_write_is_refused(tmp_path):
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"a": [1.0]}, 4))
    with pytest.raises(WeightsError, match=r"written by pickle, not by torch\.save"):
        weights.load(tmp_path / "x.pth")


def test_another_zip_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(WeightsError, match=r"x\.zip cannot be read as a checkpoint"):
        weights.load(tmp_path / "x.zip")


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("by", ["torch", "torch, old format", "pickle"])
def test_code_in_a_checkpoint_is_never_run(tmp_path, by, wrapped):
    bomb = Bomb(tmp_path / "ran")
    weights_alone = {key: torch.from_numpy(value) for key, value in state().items()}
    content = {"model_pos": weights_alone, "lr": bomb} if wrapped else bomb
    path = tmp_path / "evil.pth"
    if by == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=by == "torch")
    if wrapped and by != "pickle":
        assert isinstance(weights.load(path), MixSTE)
    else:
        with pytest.raises(WeightsError, match=r"mkdir|written by pickle"):
            weights.load(path)
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(bomb))
    assert (tmp_path / "ran").exists(), "the bomb works when unpickled"


def test_only_settings_of_the_architecture_can_be_chosen(tmp_path):
    path = published.write(state(), tmp_path / "x.pth")
    with pytest.raises(WeightsError, match="holds a MixSTE, which has no setting neighbours"):
        weights.load(path, neighbours=3)
    with pytest.raises(WeightsError, match=r"backbone= is only for a folder"):
        weights.load(path, backbone=MixSTE)


def test_contradictory_tensors_are_refused_without_building_the_model(tmp_path):
    """One key has a million channels and 15 others have 16: the model would have 10^13 parameters."""
    broken = state() | {"Spatial_patch_to_embedding.weight": np.zeros((1_000_000, 1), np.float32)}
    with pytest.raises(WeightsError, match="of another shape"):
        weights.load(published.write(broken, tmp_path / "x.pth"))


def test_reading_leaves_the_global_generator_alone(tmp_path):
    path = published.write(state(3), tmp_path / "x.pth")
    before = torch.get_rng_state()
    weights.load(path)
    assert torch.equal(torch.get_rng_state(), before)


def test_each_published_architecture_has_keys_that_no_other_has():
    marks = {name: set(kind.published.marks) for name, kind in BACKBONES.items() if kind.published}
    assert len(marks) == 4
    for name, keys in marks.items():
        assert not any(keys <= other for others, other in marks.items() if others != name)
