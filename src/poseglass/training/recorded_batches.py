"""Batches of prepared recordings.

Clips are cut as is usual in the field (:mod:`poseglass.clips.windows`). Only their indices are held in memory. Each
step reads its poses from the memory-mapped arrays.
"""

import math
from functools import lru_cache
from typing import Any, Literal, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.geometry import root_relative, to_screen
from poseglass.body.skeleton import H36M_17, counterparts
from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample, mirrored
from poseglass.clips.windows import padding
from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.errors import DataError, PoseError
from poseglass.training.clip_table import ClipTable
from poseglass.training.recipe import Recipe
from poseglass.training.transfer import DeviceBatch, transferred

__all__ = ["RecordedBatches"]

VALIDATION_SEED = 0  # for choosing the validation clips, the same for every recipe


@final
class RecordedBatches:
    """Prepared recordings (:class:`poseglass.data.recordings.store.Recordings`) of a data set or of your own.

    2D poses are in screen coordinates (:func:`poseglass.body.geometry.to_screen`). A model with three inputs also gets
    scores, which are 1 if the recordings have none. 3D poses are root-relative, in camera space, in metres. Both have
    Human3.6M's joints.

    Training clips come from the split ``train``, in a new order each epoch. An epoch's last batch is filled up from the
    start of its order. Validation clips come from ``val``, which in published data sets has the test subjects. The
    clips of a step do not depend on the number of workers that share them. Training clips with an invalid frame are
    left out; if only the centre is trained, those with an invalid centre.

    Args:
        recordings: The prepared recordings.
        recipe: The name of the 2D poses, the clip length and stride, and the batch.

    Raises:
        DataError: The recordings lack the split, joints or 2D poses that training needs. The message lists those that
            exist.
    """

    coordinates: Literal["screen"] = "screen"

    def __init__(self, recordings: Recordings, recipe: Recipe) -> None:
        model, data = recipe.model, recipe.data
        self.recipe, self.recordings = recipe, recordings
        known = data.keypoints in recordings.sources
        self.keypoints = data.keypoints if known else h36m_facts.SOURCES.get(data.keypoints, data.keypoints)
        self._joints = _h36m_joints(recordings)
        self._train, self._val = self._split("train", "training"), self._split("val", "validation")
        centre = recipe.loss.frames == "centre"
        funnel = bool(recipe.waist.keep) and recipe.waist.kind == "funnel"
        by: Literal["seq2seq", "seq2frame"] = "seq2frame" if centre or funnel else "seq2seq"

        def cut(part: Recordings, valid: Literal["all", "centre", "any"]) -> ClipTable:
            frames = [recording.valid for recording in part]
            return ClipTable.cut(frames, model.frames, data.stride or model.frames, by=by, valid=valid)

        # A funnel is trained on all frames that it keeps, which may be any, but judged by the centre only.
        self.clips = cut(self._train, "centre" if centre else "all")
        self.validation_clips = cut(self._val, "centre" if centre or funnel else "any")
        self._every_frame = not (centre or funnel)
        for name, clips, least in (("training", self.clips, "all"), ("validation", self.validation_clips, "any")):
            if not len(clips):
                by_centre = centre or (funnel and name == "validation")
                need = "a valid centre" if by_centre else f"{least} of its frames valid"
                raise DataError(
                    f"{recordings.folder} has no {name} clip of {model.frames} frames with {need}; lower "
                    "model.frames or data.stride"
                )
        self.epoch = math.ceil(len(self.clips) / self._drawn)

    @property
    def _drawn(self) -> int:
        """The number of clips that a step reads. Together with any mirror images, they form a batch."""
        return self.recipe.data.batch // (2 if self.recipe.data.flip == "both" else 1)

    def draw(self, step: int, rank: int) -> Sample:
        """Draw one worker's share of a step's batch."""
        data, run = self.recipe.data, self.recipe.run
        share = self._drawn // run.workers
        mine = slice(rank * share, (rank + 1) * share)
        places = (step % self.epoch) * self._drawn + np.arange(self._drawn)
        order = _order(run.seed, step // self.epoch, len(self.clips))
        numbers = order[places % len(order)][mine]
        sample = Sample(*self._read(self._train, self.clips, numbers))
        if data.flip == "both":
            return mirrored(sample)
        if data.flip == "random":
            turned = (np.random.default_rng([run.seed, 1, step]).random(self._drawn) < 0.5)[mine, None, None, None]
            pairs = ((poses, flip(poses)) for poses in (sample.pose2d, sample.pose3d))
            return Sample(*(np.where(turned, image, poses) for poses, image in pairs))
        return sample

    def draw_on(self, where: torch.device, step: int, rank: int) -> DeviceBatch:
        """Draw one worker's share of a step's batch, and send it to a device."""
        return transferred(self.draw(step, rank), where)

    def validation(self) -> dict[str, Sample]:
        """Return a sample of the validation split's clips. Padding and invalid frames do not count."""
        rng = np.random.default_rng(VALIDATION_SEED)
        some = min(max(self.recipe.run.validation_clips, 1), len(self.validation_clips))
        numbers = np.sort(rng.choice(len(self.validation_clips), some, replace=False))
        poses = self._read(self._val, self.validation_clips, numbers)
        counts = None
        if self._every_frame:
            rows = [_rows(self._val, self.validation_clips, int(number)) for number in numbers]
            counts = np.stack([recording.valid[frames] & ~padded for recording, frames, padded in rows])
        return {"validation": Sample(*poses, counts)}

    def about(self) -> dict[str, Any]:
        """Describe the data. The `fingerprint` is that of the folder of recordings."""

        def split(part: Recordings, clips: ClipTable) -> dict[str, Any]:
            subjects = list(dict.fromkeys(recording.subject for recording in part))
            return {"subjects": subjects, "recordings": len(part), "frames": part.frames, "clips": len(clips)}

        return {
            "kind": "recordings",
            "dataset": self.recordings.dataset,
            "licence": self.recordings.licence,
            "fingerprint": self.recordings.fingerprint,
            "keypoints": self.keypoints,
            "training": split(self._train, self.clips),
            "validation": split(self._val, self.validation_clips),
            "made": dict(self.recordings.provenance),
        }

    def _read(
        self, recordings: Recordings, table: ClipTable, numbers: Int[ndarray, " b"]
    ) -> tuple[Float[ndarray, "b f 17 i"], Float[ndarray, "b f 17 3"]]:
        """Read the 2D and 3D poses of clips."""
        inputs = self.recipe.model.inputs
        pose2d = np.ones((len(numbers), table.frames, len(H36M_17), inputs), np.float32)
        pose3d = np.empty((len(numbers), table.frames, len(H36M_17), 3), np.float32)
        for place, number in enumerate(map(int, numbers)):
            recording, frames, _ = _rows(recordings, table, number)
            points, scores = recording.points3d[frames][:, self._joints], recording.scores(self.keypoints)
            pixels = recording.points2d(self.keypoints)[frames][:, self._joints]
            pose2d[place, ..., :2] = to_screen(pixels, recording.size)
            if inputs == 3 and scores is not None:
                pose2d[place, ..., 2] = scores[frames][:, self._joints]
            pose3d[place] = root_relative(points)
            finite = np.isfinite(pose2d[place]).all((1, 2)) & np.isfinite(pose3d[place]).all((1, 2))
            if not finite.all():
                raise DataError(
                    f"{recording.name}: frame {frames[~finite][0]} of {recordings.folder} is not a number in 3D, or in "
                    f"2D ({self.keypoints}); the folder has changed since it was written, so prepare the data again"
                )
        return pose2d, pose3d

    def _split(self, split: str, what: str) -> Recordings:
        """The recordings of a split. All of them must have the 2D poses."""
        everything = self.recordings
        part = everything.split(splits=[split])
        if lacking := [recording for recording in part if self.keypoints not in recording.sources]:
            first = lacking[0]
            sources, other = ", ".join(first.sources) or "none", ""
            if everything.dataset == "Human3.6M":
                other = f", or put data_2d_h36m_{self.keypoints}.npz into the download and prepare it again"
            raise DataError(
                f"{everything.folder} has no 2D poses {self.keypoints!r} of {len(lacking)} of {len(part)} {what} "
                f"recordings, such as {first.name}; there are {sources}: set data.keypoints to one of those{other}"
            )
        return part


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, clips: int) -> Int[ndarray, " b"]:
    """The random order of the clips in an epoch."""
    return np.random.default_rng([seed, 0, epoch]).permutation(clips)


def _h36m_joints(recordings: Recordings) -> list[int]:
    """For each Human3.6M joint, the index of the recordings' joint."""
    try:
        joints: list[int] = counterparts(recordings.skeleton, H36M_17).tolist()
    except PoseError as problem:
        raise DataError(
            f"training needs every joint of {H36M_17.name}, and {recordings.folder} lacks some: {problem}"
        ) from None
    return joints


def _rows(
    recordings: Recordings, table: ClipTable, number: int
) -> tuple[Recording, Int[ndarray, " f"], Bool[ndarray, " f"]]:
    """A clip's recording, its frame numbers there, and whether each frame is padding (repeats the first or last)."""
    recording, start = recordings[int(table.recording[number])], table.start[number : number + 1]
    frames = np.clip(start[0] + np.arange(table.frames), 0, len(recording) - 1)
    return recording, frames, padding(start, table.frames, len(recording))[0]
