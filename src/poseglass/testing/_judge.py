"""How rules are gone through, and what they share."""

import copy
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from poseglass.errors import ContractError

__all__ = ["Broken", "Rules", "apart", "copied", "judge", "noise"]

# Nobody else's, or a twin that a rule builds would draw what its model had drawn.
SEED = 1_811_071
# What a rule finds, a sentence each; nothing where it is kept.
Broken = Iterator[str]
# Rules, and what tells whether they are kept. A later group builds on the earlier ones.
Rules = Sequence[Mapping[str, Callable[..., Broken]]]


def judge(kind: str, part: nn.Module, rules: Rules, *shown: Tensor) -> None:
    """Raises :class:`ContractError` with every broken rule of the first group that has any.

    Each rule gets a fresh copy of the part, in evaluation mode and with nothing at zero, and what is shown to it.
    """
    broken: list[str] = []
    problems: list[Exception] = []
    with _no_trace(part):
        for number, group in enumerate(rules):
            for rule, find in group.items():
                try:
                    for found in find(_filled(copy.deepcopy(part)), *(x.clone() for x in shown)):
                        broken.append(f"{rule}: {found}")
                except Exception as problem:  # whatever it is, it is the answer to the question
                    said = str(problem).strip().split("\n")[0]
                    problems.append(problem)
                    broken.append(f"{rule}: there was a {type(problem).__name__}: {said}")
            if broken:
                rest = sum(len(later) for later in rules[number + 1 :])
                waits = f"\n({rest} other rules build on that and were not looked at.)" if rest else ""
                listed = "".join(f"\n- {sentence}" for sentence in broken)
                message = f"{type(part).__name__} breaks rules of a {kind}:{listed}{waits}"
                raise ContractError(message, broken) from next(iter(problems), None)


def copied(part: nn.Module, *_: Tensor) -> Broken:
    """Nothing to find: where no copy can be made, making one for this rule has failed."""
    yield from ()


def noise(*shape: int) -> Tensor:
    """Random numbers, the same each time; no global generator is used."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def apart(first: Tensor, second: Tensor) -> str:
    """By how much two results differ that should differ by rounding only; nothing where they do."""
    if first.shape != second.shape:
        return f"their shapes, {tuple(first.shape)} and {tuple(second.shape)}"
    most, scale = (first - second).abs().max().item(), second.abs().max().item()
    return "" if most <= 1000 * torch.finfo(second.dtype).eps * scale else f"{most:.2g} (of up to {scale:.2g})"


def _filled(part: nn.Module) -> nn.Module:
    """The part with random numbers in what is learned and starts at zero or next to it: nothing is switched off."""
    chance = torch.Generator().manual_seed(1)
    for parameter in part.parameters():
        if parameter.requires_grad and parameter.numel() and parameter.abs().max() < 1e-4:
            parameter.copy_(0.5 * torch.randn(parameter.shape, generator=chance))
    return part.eval()


@contextmanager
def _no_trace(part: nn.Module) -> Iterator[None]:
    """Without gradients, inference mode or a trace in the generators of random numbers, whatever the caller set."""
    devices = {p.device.index for p in part.parameters() if p.device.type == "cuda"}
    python = random.getstate()
    try:
        with torch.inference_mode(False), torch.no_grad(), torch.random.fork_rng(devices):
            torch.default_generator.manual_seed(SEED)
            random.seed(SEED)
            yield
    finally:
        random.setstate(python)
