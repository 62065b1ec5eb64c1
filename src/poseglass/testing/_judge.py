"""Run the rules of a contract, and helpers for them."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from poseglass.errors import ContractError

__all__ = ["Broken", "Rules", "apart", "copied", "judge", "noise"]

# An unusual seed: with a common one, a second model that a rule builds might draw the same weights as the first.
SEED = 1_811_071
# A rule's findings, one sentence each; empty if the rule is kept.
Broken = Iterator[str]
# Groups of rules, each with the function that checks it. A group builds on the groups before it.
Rules = Sequence[Mapping[str, Callable[..., Broken]]]


def judge(kind: str, part: nn.Module, rules: Rules, *shown: Tensor) -> None:
    """Raise :class:`ContractError` with all broken rules of the first group that has any.

    Args:
        kind: The word for the part, such as ``"pruner"``.
        part: The part to check. Each rule gets a fresh copy in evaluation mode, with random numbers in place of zeros.
        rules: The rules.
        shown: Input for the rules. Each rule gets a copy.
    """
    broken: list[str] = []
    problems: list[Exception] = []
    with _no_trace(part):
        for number, group in enumerate(rules):
            for rule, check in group.items():
                try:
                    for finding in check(_filled(copy.deepcopy(part)), *(x.clone() for x in shown)):
                        broken.append(f"{rule}: {finding}")
                except Exception as problem:  # any exception breaks the rule
                    first_line = str(problem).strip().split("\n")[0]
                    problems.append(problem)
                    broken.append(f"{rule}: it raised {type(problem).__name__}: {first_line}")
            if broken:
                rest = sum(len(later) for later in rules[number + 1 :])
                waits = f"\n({rest} other rules depend on these and were not checked.)" if rest else ""
                listed = "".join(f"\n- {sentence}" for sentence in broken)
                message = f"{type(part).__name__} breaks the rules of a {kind}:{listed}{waits}"
                raise ContractError(message, broken) from next(iter(problems), None)


def copied(part: nn.Module, *_: Tensor) -> Broken:
    """Find nothing: if the part cannot be copied, making this rule's copy has already failed."""
    yield from ()


def noise(*shape: int) -> Tensor:
    """Random numbers, the same on every call, without using a global generator."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def apart(first: Tensor, second: Tensor) -> str:
    """How much two results differ, if by more than rounding; otherwise an empty text."""
    if first.shape != second.shape:
        return f"their shapes, {tuple(first.shape)} and {tuple(second.shape)}"
    most, scale = (first - second).abs().max().item(), second.abs().max().item()
    return "" if most <= 1000 * torch.finfo(second.dtype).eps * scale else f"{most:.2g} (of up to {scale:.2g})"


def _filled(part: nn.Module) -> nn.Module:
    """Put random numbers into parameters that are zero or almost zero, so that no branch is switched off."""
    chance = torch.Generator().manual_seed(1)
    for parameter in part.parameters():
        if parameter.requires_grad and parameter.numel() and parameter.abs().max() < 1e-4:
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=chance))
    return part.eval()


@contextmanager
def _no_trace(part: nn.Module) -> Iterator[None]:
    """Disable gradients and inference mode for the block, and restore the random generators afterwards."""
    devices = {p.device.index for p in part.parameters() if p.device.type == "cuda"}
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # a class of somebody else may use it
    try:
        with torch.inference_mode(False), torch.no_grad(), torch.random.fork_rng(devices):
            torch.default_generator.manual_seed(SEED)
            random.seed(SEED)
            np.random.seed(SEED)  # noqa: NPY002
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
