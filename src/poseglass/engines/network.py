"""The network in an ONNX file: a model with named inputs and outputs, and a description of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from poseglass.body.skeleton import get_skeleton
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel
from poseglass.waist.schedule import frame_range

__all__ = ["Network"]


class Network(nn.Module):
    """A model as a function of tensors only.

        Args:
            model: A backbone, an hourglass or a funnel.
            elastic: Whether the number of kept frames is an input. The hourglass must have one stage, and weights that
    XX
        Attributes:
            inputs: The names of the inputs. ``pose2d`` (b f j i); if elastic, ``keep``, here the number of rows of a
                tensor; if given, for each pruning layer ``kept_LAYER``, the indices of the kept frames (b k).
            outputs: The names of the outputs. ``pose3d`` (b f j 3), or (b k j 3) from a funnel; unless given, for each
                pruning layer ``kept_LAYER``.
            keeps: The least and the largest number of frames to keep, if elastic.
    """

    def __init__(self, model: PoseModel, *, elastic: bool = False, given: bool = False) -> None:
        super().__init__()
        assert not (elastic and given)
        self._schedule = model.schedule if isinstance(model, Hourglass | Funnel) else {}
        kept = [f"kept_{layer}" for layer in self._schedule]
        self.given = given and bool(kept)
        self.keeps: tuple[int, int] | None = None
        if elastic:
            shares = model.card.keeps
            assert isinstance(model, Hourglass)
            assert shares is not None
            choices = frame_range(shares, model.frames)
            # If every frame is kept, none are chosen: another program than the one traced here.
            self.keeps = choices[0], min(choices[-1], model.frames - 1)
            model = model.with_keep(self.keeps[0])  # a copy that shares the weights
        self.model = model
        self.inputs = ("pose2d", *(["keep"] if elastic else kept if self.given else []))
        self.outputs = ("pose3d", *([] if self.given else kept))

    def forward(self, pose2d: Tensor, *kept: Tensor) -> tuple[Tensor, ...]:
        """Run the model. If elastic, keep as many frames as the second tensor has rows (k)."""
        if not isinstance(self.model, Hourglass | Funnel):
            return (self.model(pose2d),)
        if self.given:
            return (self.model.trace(pose2d, kept=dict(zip(self._schedule, kept, strict=True))).pose3d,)
        if self.keeps is not None:
            self.model.schedule = dict.fromkeys(self.model.schedule, kept[0].shape[0])
        trace = self.model.trace(pose2d)
        return (trace.pose3d, *trace.kept.values())

    def example(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes: two clips, because torch would take a single clip for the only possible case."""
        where = next(self.model.parameters())
        joints = len(get_skeleton(self.model.card.skeleton))
        clips = where.new_zeros(2, self.model.frames, joints, self.model.inputs)
        if self.given:
            frames = torch.arange(self.model.frames, device=where.device).expand(2, -1)
            return (clips, *(frames[:, :keep].contiguous() for keep in self._schedule.values()))
        return (clips,) if self.keeps is None else (clips, where.new_zeros(sum(self.keeps) // 2))

    def dynamic(self) -> tuple[Any, ...]:
        """The axes that may have any length: of the clips, and of the other inputs if there are any."""
        batch: Mapping[int, Any] = {0: torch.export.Dim("clips")}
        if self.keeps is not None:
            least, most = self.keeps
            return batch, ({0: torch.export.Dim("keep", min=least, max=most)},)
        return (batch, (batch,) * len(self._schedule)) if self.given else (batch,)

    def about(self) -> str:
        """What a program needs to know to use the file, as JSON.

        ``card`` is the model's :class:`poseglass.Card`, ``joints`` its joints in order, ``keep`` the range of the input
        of that name (null without it).
        """
        model = self.model
        skeleton = get_skeleton(model.card.skeleton)
        return json.dumps(
            {
                "poseglass": version("poseglass"),
                "card": asdict(model.card),
                "frames": model.frames,
                "coordinates": ["x", "y", "score"][: model.inputs],
                "joints": skeleton.joints,
                "bones": skeleton.bones,
                "keep": self.keeps,
            }
        )
