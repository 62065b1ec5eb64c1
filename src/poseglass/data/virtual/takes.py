"""`Takes`: takes of motion capture on a device, and random stretches of them."""

from collections.abc import Mapping
from itertools import accumulate
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.data.clips import MotionClip, MotionClips
from poseglass.data.virtual.draws import Draws

__all__ = ["Takes"]

# Our own choices; the published weights were trained with them.
USUAL_FPS, USUAL_SHARE, OTHER_FPS = 30.0, 0.4, (24, 60)  # usual rate; share of clips with it; range of the other rates
TEMPOS = (0.8, 1.25)  # range of playback speeds


@final
class Takes:
    """Takes of motion capture, one after the other in a tensor.

    Args:
        clips: The takes. Those of one frame are left out.
        shares: Maps a prefix of subjects' names to the share of stretches drawn from these subjects. The rest is drawn
            from all other takes. A subject belongs to the first prefix that fits; the share of a prefix that fits no
            take goes to the rest.
        device: Where the poses are kept.

    Example:
        >>> import numpy as np
        >>> from poseglass.data.virtual.draws import TorchDraws
        >>> clips = MotionClips((MotionClip("walk", np.zeros((90, 17, 3), np.float32), "anna"),), fps=60.0)
        >>> points, fps = Takes(clips, {}, torch.device("cpu")).stretches(TorchDraws(torch.Generator()), 4, 27)
        >>> [*points.shape], [*fps.shape]
        ([4, 27, 17, 3], [4])
    """

    def __init__(self, clips: MotionClips, shares: Mapping[str, float], device: torch.device) -> None:
        self.fps, self.device = clips.fps, device
        usable = [clip for clip in clips if len(clip.points) > 1]
        self.points = torch.cat([torch.from_numpy(clip.points).float() for clip in usable]).to(device)  # f 17 3
        lengths = [len(clip.points) for clip in usable]
        self.lengths = torch.tensor(lengths, device=device)
        self.firsts = torch.tensor([0, *accumulate(lengths)][:-1], device=device)
        # The takes of each group, group after group: the number n of a group plus a take's share of the group's
        # frames, added up, rise from 0 to the number of groups.
        groups = _groups(usable, [*shares])
        takes, edges, ends = [], [], []
        for number, members in enumerate(groups):
            total = sum(lengths[take] for take in members)
            edges += [number + sum_ / total for sum_ in accumulate(lengths[take] for take in members)]
            takes += members
            ends.append(len(takes) - 1)
        self.takes, self.ends = torch.tensor(takes, device=device), torch.tensor(ends, device=device)
        self.edges = torch.tensor(edges, device=device, dtype=torch.float32)
        self.shares = (*shares.values(), max(1 - sum(shares.values()), 0.0))

    def stretches(
        self, draws: Draws, count: int, frames: int, *, still: float = 0.0
    ) -> tuple[Float[Tensor, "b f 17 3"], Float[Tensor, " b"]]:
        """Draw stretches of random takes at random frame rates and tempos, linearly interpolated in time.

        Takes are drawn in proportion to their length. A take that is too short is played forwards and backwards in
        turn.

        Args:
            draws: The source of randomness.
            count: The number of stretches.
            frames: The frames of each.
            still: The share of stretches that repeat one pose, like a photograph.

        Returns:
            World poses in metres (b f 17 3), and the frames per second of the camera that films them (b).
        """
        group = draws.choice(self.shares, count)
        key = (group + draws.uniform(0, 1, count)).float()
        take = self.takes[torch.searchsorted(self.edges, key, right=True).minimum(self.ends[group])]
        fps = draws.uniform(*OTHER_FPS, count).masked_fill(draws.chance(USUAL_SHARE, count), USUAL_FPS)
        step = self.fps / fps * draws.uniform(*TEMPOS, count)  # frames of the take from frame to frame
        step = step.masked_fill(draws.chance(still, count), 0)
        last = (self.lengths[take] - 1)[:, None]
        start = draws.uniform(0, 1, count)[:, None] * (last - step[:, None] * (frames - 1)).clamp(min=0)
        whole = start.floor()  # the whole frames apart: float32 is too coarse for the rest of a long take
        time = (start - whole) + step[:, None] * torch.arange(frames, device=self.device)  # b f
        frame = whole.long() + time.floor().long()
        weight = time - time.floor()
        # Reflect at the take's ends: frame `last` and those after it run backwards.
        phase = frame % (2 * last)
        backwards = phase >= last
        before = torch.where(backwards, 2 * last - phase - 1, phase)
        weight = torch.where(backwards, 1 - weight, weight)[..., None, None]
        index = self.firsts[take][:, None] + before
        return torch.lerp(self.points[index].to(weight.dtype), self.points[index + 1].to(weight.dtype), weight), fps


def _groups(clips: list[MotionClip], prefixes: list[str]) -> list[list[int]]:
    """The numbers of the takes of each prefix, followed by those of all other takes."""
    groups: dict[str, list[int]] = {prefix: [] for prefix in (*prefixes, "")}
    for number, clip in enumerate(clips):
        groups[next(prefix for prefix in groups if clip.subject.startswith(prefix))].append(number)
    rest = groups.pop("") or [*range(len(clips))]
    return [*(members or rest for members in groups.values()), rest]
