"""The contract checks: our own classes pass, and for every rule there is a class that breaks it."""

import pickle
import random
import re

import numpy as np
import pytest
import torch
from broken_backbones import (
    BROKEN_BACKBONES,
    JointlessTokens,
    LayerWithoutReceived,
    NoisyBackbone,
    SmoothingHead,
    SoundBackbone,
)
from broken_tokens import (
    BROKEN_PRUNERS,
    BROKEN_RECOVERERS,
    AttentionPruner,
    RandomChoice,
    SoundPruner,
    SoundRecoverer,
)

from poseglass.errors import ContractError, PoseglassError
from poseglass.models import MHFormer, MixSTE, MotionAGFormer, MotionBERT
from poseglass.testing import BACKBONE, PRUNER, RECOVERER, check_backbone, check_pruner, check_recoverer
from poseglass.waist.prune import PRUNERS
from poseglass.waist.recover import RECOVERERS

pytestmark = pytest.mark.usefixtures("as_used")  # the checks must find wrong shapes themselves

SMALL = {"frames": 9, "dim": 16, "heads": 4}
SHIPPED = {
    "MixSTE": lambda: MixSTE(**SMALL, depth=3, inputs=3),
    "MotionBERT": lambda: MotionBERT(**SMALL, depth=2, rep=24, mlp_ratio=2, inputs=2),
    "MHFormer": lambda: MHFormer(**SMALL, depth=2, hidden=24, encoder_depth=1, encoder_heads=3),
    "MotionAGFormer": lambda: MotionAGFormer(**SMALL, depth=2, rep=24),
    "MotionAGFormer for a waist": lambda: MotionAGFormer(**SMALL | {"frames": [9, 4]}, depth=2, rep=24),
    "one layer": lambda: MixSTE(**SMALL, depth=1),
    "one frame": lambda: MixSTE(**SMALL | {"frames": 1}, depth=2),
    "float64": lambda: MixSTE(**SMALL, depth=2).double(),
    "frozen": lambda: MixSTE(**SMALL, depth=2).requires_grad_(False),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_our_backbones_pass(name):
    torch.manual_seed(0)
    check_backbone(SHIPPED[name]())


@pytest.mark.parametrize("name", PRUNERS)
def test_our_pruners_pass(name):
    check_pruner(PRUNERS[name]())
    check_pruner(PRUNERS[name](), dim=3, frames=5, joints=4, inputs=3)


@pytest.mark.parametrize("name", RECOVERERS)
def test_our_recoverers_pass(name):
    fits = MixSTE(frames=7, dim=8, depth=1, heads=2)
    check_recoverer(RECOVERERS[name].for_backbone(fits), dim=8, frames=7, joints=3)


KINDS = [
    pytest.param(check, rules, broken, id=check.__name__)
    for check, rules, broken in (
        (check_backbone, BACKBONE, BROKEN_BACKBONES),
        (check_pruner, PRUNER, BROKEN_PRUNERS),
        (check_recoverer, RECOVERER, BROKEN_RECOVERERS),
    )
]
BREAKERS = [
    pytest.param(check, rules, kind, broken[kind], id=kind.__name__)
    for check, rules, broken in (kind.values for kind in KINDS)
    for kind in broken
]


@pytest.mark.parametrize(
    ("check", "sound"),
    [
        (check_backbone, SoundBackbone),
        (check_pruner, SoundPruner),
        (check_pruner, AttentionPruner),
        (check_recoverer, SoundRecoverer),
    ],
)
def test_classes_that_keep_every_rule_pass(check, sound):
    check(sound())


@pytest.mark.parametrize(("check", "rules", "kind", "expected"), BREAKERS)
def test_a_broken_rule_is_reported(check, rules, kind, expected):
    called = {find.__name__: rule for group in rules for rule, find in group.items()}
    torch.manual_seed(0)
    with pytest.raises(ContractError) as caught:
        check(kind())
    findings = caught.value.broken
    assert len(findings) == len(expected), findings
    for sentence, (name, says) in zip(findings, expected, strict=True):
        assert re.match(f"{re.escape(called[name])}: (?:{says})", sentence), sentence
        assert f"\n- {sentence}" in str(caught.value)
    assert str(caught.value).startswith(f"{kind.__name__} breaks the rules of a ")


@pytest.mark.parametrize(("check", "rules", "broken"), KINDS)
def test_every_rule_has_a_class_that_breaks_it(check, rules, broken):
    names = {name for expected in broken.values() for name, _ in expected}
    assert names == {find.__name__ for group in rules for find in group.values()}


def test_rules_that_depend_on_a_broken_one_are_not_checked():
    with pytest.raises(ContractError, match=r"\(15 other rules depend on these and were not checked\.\)$"):
        check_backbone(JointlessTokens())
    with pytest.raises(ContractError) as caught:
        check_backbone(SmoothingHead())
    assert "other rules" not in str(caught.value)


def test_the_error_has_its_cause_and_can_be_pickled():
    with pytest.raises(AssertionError) as caught:
        check_backbone(LayerWithoutReceived())
    assert isinstance(caught.value, PoseglassError)
    assert isinstance(caught.value.__cause__, TypeError), "the original error is the cause"
    back = pickle.loads(pickle.dumps(ContractError("it breaks", ["a", "b"])))
    assert (str(back), back.broken) == ("it breaks", ["a", "b"])


def test_layers_may_be_skipped_at_random():
    class Skipping(SoundBackbone):
        def layer(self, index, tokens, received=None):
            return tokens if self.training and random.random() < 0.2 else super().layer(index, tokens, received)

    check_backbone(Skipping())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", [NoisyBackbone, RandomChoice])
def test_a_check_leaves_random_states_modes_and_gradients_unchanged(kind, training):
    part = kind().train(training)
    if kind is NoisyBackbone:
        part.norm.eval()  # parts may have different modes
    before = {name: value.clone() for name, value in part.state_dict().items()}
    flags = [module.training for module in part.modules()]
    torch_state, python_state = torch.get_rng_state(), random.getstate()
    numpy_state = str(np.random.get_state())  # noqa: NPY002
    with torch.inference_mode(kind is NoisyBackbone):  # the caller may be in inference mode
        if kind is RandomChoice:
            with pytest.raises(ContractError):
                check_pruner(part)
        else:
            check_backbone(part)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert random.getstate() == python_state
    assert str(np.random.get_state()) == numpy_state  # noqa: NPY002
    assert [module.training for module in part.modules()] == flags
    assert all(torch.equal(value, before[name]) for name, value in part.state_dict().items())
    assert all(parameter.grad is None for parameter in part.parameters())
