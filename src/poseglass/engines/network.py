"""The network in an ONNX file: a model with named inputs and outputs, and a description of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from poseglass.body.skeleton import get_skeleton
from poseglass.engines.from_pixels import view_from_pixels
from poseglass.waist.hourglass import Funnel, Hourglass, PoseModel, Trace
from poseglass.waist.schedule import frame_range
from poseglass.waist.select import take

__all__ = ["ExportNetwork"]


class ExportNetwork(nn.Module):
    """A model as a function of tensors only.

    Args:
        model: A backbone, an hourglass or a funnel.
        elastic: Whether the number of kept frames is an input. The hourglass must have one stage, and weights that
            were trained for several numbers (:attr:`poseglass.models.Card.keeps`).
        given: Whether the kept frames are inputs, in place of the pruner's choice.
        pixels: Whether it takes joints in pixels and returns poses in camera space; for models of person coordinates.

    Attributes:
        inputs: The names of the inputs. ``pose2d`` (b f j i), or from pixels ``points`` (b f 17 2), ``scores`` (b f 17)
            and ``camera`` (3), see :func:`view_from_pixels`; if elastic, ``keep``, here the number of rows of a
            tensor; if given, for each pruning layer ``kept_LAYER``, the indices of the kept frames (b k).
        outputs: The names of the outputs. ``pose3d`` (b f j 3), or (b k j 3) from a funnel; unless given, for each
            pruning layer ``kept_LAYER``.
        keeps: The least and the largest number of frames to keep, if elastic.
    """

    def __init__(self, model: PoseModel, *, elastic: bool = False, given: bool = False, pixels: bool = False) -> None:
        super().__init__()
        assert not (elastic and given)
        self._schedule = model.schedule if isinstance(model, Hourglass | Funnel) else {}
        kept = [f"kept_{layer}" for layer in self._schedule]
        self.given, self.pixels = given and bool(kept), pixels
        self.keeps: tuple[int, int] | None = None
        if elastic:
            shares = model.card.keeps
            assert isinstance(model, Hourglass)
            assert shares is not None
            choices = frame_range(shares, model.frames)
            # Keeping every frame is another program, which chooses none, than the one traced here.
            self.keeps = choices[0], min(choices[-1], model.frames - 1)
            model = model.with_keep(self.keeps[0])  # a copy that shares the weights
        self.model = model
        first = ["points", "scores", "camera"] if pixels else ["pose2d"]
        self.inputs = (*first, *(["keep"] if elastic else kept if self.given else []))
        self.outputs = ("pose3d", *([] if self.given else kept))

    def forward(self, first: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        """Run the model on the tensors of `inputs`."""
        if not self.pixels:
            trace = self._trace(first, others)
            return (trace.pose3d, *({} if self.given else trace.kept).values())
        scores, camera, *kept = others
        pose2d, rotation = view_from_pixels(first, scores, camera)
        trace = self._trace(pose2d[..., : self.model.inputs], kept)
        if isinstance(self.model, Funnel):
            rotation = take(rotation, trace.kept[max(trace.kept)])  # b k 3 3
        pose3d = trace.pose3d - trace.pose3d[..., :1, :]  # the pelvis is the first joint
        return (pose3d @ rotation, *trace.kept.values())

    def _trace(self, pose2d: Tensor, others: Sequence[Tensor]) -> Trace:
        """Run the model. If elastic, keep as many frames as the other tensor has rows (k)."""
        if not isinstance(self.model, Hourglass | Funnel):
            return Trace(self.model(pose2d), {})
        if self.keeps is not None:
            self.model.schedule = dict.fromkeys(self.model.schedule, others[0].shape[0])
        kept = dict(zip(self._schedule, others, strict=True)) if self.given else None
        return self.model.trace(pose2d, kept=kept)

    def example(self) -> tuple[Tensor, ...]:
        """Inputs of the right shapes: two clips, because torch would take a single clip for the only possible case."""
        model = self.model
        joints = len(get_skeleton(model.card.skeleton))
        frames = torch.arange(model.frames).expand(2, -1)
        clips = [torch.zeros(2, model.frames, joints, model.inputs)]
        if self.pixels:
            clips = [clips[0][..., :2], torch.ones(2, model.frames, joints), torch.tensor([1920.0, 1080.0, 0.0])]
        if self.keeps is not None:
            return (*clips, torch.zeros(sum(self.keeps) // 2))
        return (*clips, *(frames[:, :keep].contiguous() for keep in self._schedule.values() if self.given))

    def dynamic(self) -> tuple[Any, ...]:
        """The axes that may have any length, of the first input and of the others."""
        batch: Mapping[int, Any] = {0: torch.export.Dim("clips")}
        others: list[Mapping[int, Any]] = [batch, {}] if self.pixels else []
        if self.keeps is not None:
            least, most = self.keeps
            others.append({0: torch.export.Dim("keep", min=least, max=most)})
        elif self.given:
            others += [batch] * len(self._schedule)
        return (batch, tuple(others)) if others else (batch,)

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
                "pixels": self.pixels,
                "joints": skeleton.joints,
                "bones": skeleton.bones,
                "keep": self.keeps,
            }
        )
