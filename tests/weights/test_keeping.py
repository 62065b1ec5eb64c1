"""Weights that are loaded with another keep: the same weights, and a warning if they were not trained for it."""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

import poseglass as pg
from poseglass.errors import ModelError
from poseglass.models import MixSTE
from poseglass.waist.hourglass import funnel, hourglass
from poseglass.weights import files as weights


def waisted(keep: object = 9, at: int | None = 1) -> pg.Hourglass:
    torch.manual_seed(0)
    model = hourglass(MixSTE(frames=27, dim=16, depth=3, heads=2), keep=keep, at=at).eval()
    model.init_sinusoidal()
    for embedding in model.kept_embedding.values():
        torch.nn.init.normal_(embedding)
    return model


def elastic(model: pg.Hourglass | pg.Funnel, *keeps: float) -> pg.Hourglass | pg.Funnel:
    return model.with_card(replace(model.card, keeps=keeps))


CLIP = torch.randn(2, 27, 17, 2, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("keep", [4, 0.5, 1.0, {1: 20}])
def test_the_same_weights_run_with_another_keep(tmp_path, keep):
    model = waisted()
    loaded = weights.load(weights.save(model, tmp_path), keep=keep)
    assert loaded.schedule == model.with_keep(keep).schedule
    assert torch.equal(loaded(CLIP), model.with_keep(keep)(CLIP))
    assert not loaded.training


def test_the_shipped_weights_keep_a_share():
    model = pg.load("balanced", keep=0.2)
    assert (model.schedule, model.nominal) == ({1: 16}, {1: 27})
    clip = torch.zeros(1, 81, 17, 3)
    assert model.trace(clip).kept[1].shape == (1, 16)


@pytest.mark.parametrize("model", [waisted(), funnel("mixste-tiny", frames=27, keep=9, at=1)])
def test_a_changed_keep_is_saved_and_restored(tmp_path, model):
    changed = model.with_keep(14).eval()
    back = weights.load(weights.save(changed, tmp_path))
    assert back.schedule == {1: 14}
    assert torch.equal(back(CLIP), changed(CLIP))
    again = weights.load(weights.save(back.with_keep(9), tmp_path))
    assert torch.equal(again(CLIP), model.eval()(CLIP)), "the embedding of all kept frames is still there"


def test_weights_with_their_own_keep_are_described_as_before(tmp_path):
    weights.save(waisted(), tmp_path)
    with safe_open(tmp_path / "weights.safetensors", "pt") as file:
        described = json.loads(file.metadata()["poseglass"])["model"]
    assert {*described} == {"class", "backbone", "schedule", "prune", "recover"}


@pytest.mark.parametrize("keeps", [None, (0.1, 1.0)])
def test_the_range_of_training_is_restored(tmp_path, keeps):
    model = waisted().with_card(pg.Card(keeps=keeps))
    assert weights.load(weights.save(model, tmp_path)).card.keeps == keeps


def test_weights_saved_before_there_was_a_range_have_none(tmp_path):
    model = waisted()
    path = weights.save(model, tmp_path) / "weights.safetensors"
    content = path.read_bytes()
    # Spaces in place of the entry, so that the length of the header stays.
    text = rb", \"keeps\": null"
    assert content.count(text) == 1
    path.write_bytes(content.replace(text, b" " * len(text)))
    with pytest.raises(pg.PoseglassError, match="checksum"):
        weights.load(tmp_path)
    path.write_bytes(resealed(path))
    assert weights.load(tmp_path).card == pg.Card()


def resealed(path: Path) -> bytes:
    """The content of a file of weights, with the checksum that it should have."""
    from poseglass.weights.files import _checksum, _statement

    content = path.read_bytes()
    with safe_open(path, "pt") as file:
        stated = json.loads(file.metadata()["poseglass"])["sha256"]
    return content.replace(_statement(stated), _statement(_checksum(content, stated)), 1)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("model", "keep", "words"),
    [
        (waisted(), 4, "was trained to keep 9 of 27 frames; how accurate it is with 4 from layer 1 on is unknown"),
        (waisted(), 1.0, "with 27 from layer 1 on"),
        (waisted({1: 18, 2: 9}, None), 9, "keep 18, then 9 of 27.*with 9 from layer 1 on, 4 from layer 2 on is"),
        (elastic(waisted(), 0.3, 0.8), 7, "trained to keep 8 to 22 of 27 frames; .* with 7"),
        (elastic(waisted(), 0.3, 0.8), 23, "trained to keep 8 to 22 of 27 frames; .* with 23"),
        (elastic(waisted({1: 18, 2: 9}, None), 0.1, 1.0), {1: 18, 2: 4}, "keep 3 to 27 of 27"),
        (funnel("mixste-tiny", frames=27, keep=9, at=1), 4, "keep 9 of 27"),
        (waisted().with_keep(4), 4, "keep 9 of 27"),
    ],
)
def test_an_untrained_keep_is_a_guess_and_warned_of(tmp_path, caplog, model, keep, words):
    weights.load(weights.save(model, tmp_path), keep=keep)
    (warning,) = warnings(caplog)
    assert str(tmp_path) in warning
    assert re.search(words, warning), warning


@pytest.mark.parametrize(
    ("model", "keep"),
    [
        (waisted(), 9),
        (waisted(), 9 / 27),
        (waisted(), None),
        (elastic(waisted(), 0.3, 0.8), 8),
        (elastic(waisted(), 0.3, 0.8), 0.8),
        (elastic(waisted(), 0.01, 1.0), 1),
        (elastic(waisted(), 0.01, 1.0), 1.0),
        (elastic(waisted({1: 18, 2: 9}, None), 0.1, 1.0), 9),
        (elastic(waisted({1: 18, 2: 9}, None), 0.1, 1.0), {1: 9, 2: 4}),
        (elastic(funnel("mixste-tiny", frames=27, keep=9, at=1), 0.1, 1.0), 4),
    ],
)
def test_a_trained_keep_is_not_warned_of(tmp_path, caplog, model, keep):
    weights.load(weights.save(model, tmp_path), keep=keep)
    assert not warnings(caplog)


def test_a_model_without_a_waist_is_refused(tmp_path):
    weights.save(waisted().backbone, tmp_path)
    with pytest.raises(ModelError, match=r"holds a MixSTE without a waist, which keeps all frames: leave out keep, or"):
        weights.load(tmp_path, keep=0.5)


def test_a_keep_that_does_not_fit_is_refused(tmp_path):
    weights.save(waisted(), tmp_path)
    with pytest.raises(ModelError, match="layer 1 can keep 1 to 27 frames, not 28"):
        weights.load(tmp_path, keep=28)
    weights.save(hourglass("motionagformer-tiny", keep=9, at=1), tmp_path / "fixed")
    with pytest.raises(ModelError, match="built for fixed numbers of frames"):
        weights.load(tmp_path / "fixed", keep=0.2)
