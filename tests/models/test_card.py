"""The card of a model: allowed values; a changed card needs a new model object."""

import copy
import pickle
from dataclasses import FrozenInstanceError, asdict, replace

import pytest
import torch

import poseglass as pg
from poseglass.errors import ModelError
from poseglass.models import Card

SCREEN = Card(coordinates="screen", answers="centre", keypoints="cpn", skeleton="mpi_inf_3dhp17")


def test_the_defaults_describe_a_person_model():
    assert asdict(Card()) == {
        "coordinates": "person", "answers": "all", "keypoints": "", "skeleton": "h36m17", "units": "metres",
        "keeps": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ({"coordinates": "pixels"}, "coordinates should be person or screen, not 'pixels'"),
        ({"answers": None}, "answers should be all or centre, not None"),
        ({"keypoints": 3}, "keypoints should be text, not 3"),
        ({"skeleton": "h36m16"}, "skeleton should be h36m17 or .*, not 'h36m16'"),
        ({"units": "millimetres"}, "units should be metres or screen, not 'millimetres'"),
        ({"units": "screen"}, "units of the screen need screen coordinates"),
        ({"units": []}, "units should be"),
        ({"keeps": (0.5,)}, r"keeps should be None or two shares of a clip, the smaller first, not \(0.5,\)"),
        ({"keeps": (0.5, 0.2)}, "the smaller first"),
        ({"keeps": (0.0, 1.0)}, "keeps should be"),
        ({"keeps": (0.1, 1.5)}, "keeps should be"),
    ],
)
def test_impossible_values_are_refused(as_used, field, words):
    with pytest.raises(ModelError, match=words):
        Card(**field)


@pytest.mark.parametrize(
    "model",
    [
        lambda: pg.MixSTE(frames=9, dim=16, depth=2, heads=2),
        lambda: pg.hourglass("mixste-tiny", frames=9, keep=3, at=1),
        lambda: pg.funnel("mhformer-tiny", frames=9, keep=3, at=1),
    ],
)
def test_a_model_with_another_card_shares_its_weights(model):
    torch.manual_seed(0)
    plain = model().eval()
    other = plain.with_card(SCREEN)
    assert (plain.card, other.card) == (Card(), SCREEN)
    assert type(other) is type(plain)
    assert all(a is b for a, b in zip(plain.parameters(), other.parameters(), strict=True))
    clip = torch.randn(1, 9, 17, 2)
    assert torch.equal(plain(clip), other(clip))
    other.extra = torch.nn.Linear(1, 1)
    assert not hasattr(plain, "extra")


@pytest.mark.parametrize("model", [*pg.list_models()])
def test_every_size_takes_a_card(model):
    with torch.device("meta"):
        assert pg.create_model(model, card=SCREEN).card == SCREEN
        assert pg.create_model(model, sizes={"depth": 2}, card=SCREEN).card == SCREEN
        assert pg.create_model(model).card == Card()


def test_the_card_of_a_model_cannot_be_changed():
    model = pg.MixSTE(frames=9, dim=16, depth=2, heads=2, card=SCREEN)
    assert copy.deepcopy(model).card == pickle.loads(pickle.dumps(model)).card == SCREEN
    with pytest.raises(AttributeError):
        model.card = Card()
    with pytest.raises(FrozenInstanceError):
        model.card.keypoints = "gt"
    assert replace(model.card, keypoints="gt").keypoints == "gt"
