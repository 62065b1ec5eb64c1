"""Weights that are not finite are refused wherever weights enter or leave."""

import numpy as np
import pytest
import torch

import poseglass as pg
from poseglass.errors import ModelError, WeightsError
from poseglass.models.finite import check_finite, not_finite
from poseglass.weights.state import load_state

CLIPS = object.__new__(pg.MotionClips)


@pytest.fixture
def broken():
    model = pg.create_model("mixste-tiny", frames=9, inputs=3)
    with torch.no_grad():
        model.time_embedding[0, 1, 2] = float("nan")
    return model


def test_the_broken_tensors_are_named(broken):
    assert not_finite(broken.state_dict()) == ["time_embedding"]
    assert not_finite({"count": torch.ones(1, dtype=torch.int64), "far": torch.tensor(-float("inf"))}) == ["far"]
    check_finite(pg.create_model("mixste-tiny", frames=9))


def test_a_broken_model_is_not_used(broken):
    walk = pg.PoseSequence(np.ones((3, 17, 2)), pg.COCO_17, "pixels", fps=30)
    for use in (
        pg.Lifter,
        check_finite,
        lambda model: pg.lift(walk, model=model),
        lambda model: pg.evaluate(model, CLIPS),
    ):
        with pytest.raises(ModelError, match=r"NaN or infinite \(time_embedding\)"):
            use(broken)


def test_a_broken_model_is_neither_saved_nor_loaded(broken, tmp_path):
    with pytest.raises(WeightsError, match=r"not saved.*NaN or infinite: time_embedding"):
        pg.save(broken, tmp_path / "x")
    assert not [*tmp_path.iterdir()]
    with pytest.raises(WeightsError, match=r"mine has weights that are NaN or infinite \(time_embedding\)"):
        load_state(pg.create_model("mixste-tiny", frames=9, inputs=3), broken.state_dict(), "mine")


def test_weights_too_large_for_float16_are_not_saved_so(tmp_path):
    model = pg.create_model("mixste-tiny", frames=9)
    with torch.no_grad():
        model.time_embedding[0, 1, 2] = 1e6
    with pytest.raises(WeightsError, match="NaN or infinite as float16"):
        pg.save(model, tmp_path / "x", half=True)
    assert pg.load(pg.save(model, tmp_path / "x")).time_embedding[0, 1, 2] == 1e6


def test_a_folder_with_broken_weights_is_refused(broken, tmp_path, monkeypatch):
    monkeypatch.setattr("poseglass.weights.files.not_finite", lambda _: [])
    folder = pg.save(broken, tmp_path / "x")
    with pytest.raises(WeightsError, match="x has weights that are NaN or infinite"):
        pg.load(folder)
