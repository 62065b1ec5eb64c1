"""Batches out of prepared recordings: which clips there are, and the 2D and 3D poses of those that are drawn.

The clips are cut as the field cuts them (:mod:`poseglass.clips.windows`), and only indices of them are kept: what a
step draws is read from the memory-mapped arrays, and nothing else.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from poseglass.body.geometry import root_relative, to_screen
from poseglass.body.skeleton import H36M_17, counterparts
from poseglass.clips.mirror import flip
from poseglass.clips.sample import Sample, mirrored
from poseglass.clips.windows import padding, seq2frame_starts, seq2seq_starts
from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.recordings.store import Recording, Recordings
from poseglass.errors import DataError, PoseError
from poseglass.training.recipe import Recipe

__all__ = ["ClipTable", "RecordedBatches"]

JUDGE = 0  # seeds which validation clips are judged, the same ones for every recipe


@dataclass(frozen=True, eq=False)
class ClipTable:
    """Which clips there are of some recordings: two numbers for each, and no pose.

    Args:
        frames: Frames of a clip.
        recording: Of which recording each clip is (n).
        begin: The frame of it at which the clip begins (n), which may lie before the first.

    Example:
        >>> table = ClipTable.cut([np.ones(12, bool)], 9, 9, by="seq2seq", count="all")
        >>> len(table), table.begin.tolist()
        (2, [-3, 6])
    """

    frames: int
    recording: Int[ndarray, " n"]
    begin: Int[ndarray, " n"]

    def __len__(self) -> int:
        return len(self.begin)

    @classmethod
    def cut(
        cls,
        valid: Sequence[Bool[ndarray, " _"]],
        frames: int,
        stride: int,
        *,
        by: Literal["seq2seq", "seq2frame"],
        count: Literal["all", "centre", "any"],
    ) -> "ClipTable":
        """The clips of recordings.

        Args:
            valid: Of each recording, which frames count.
            frames: Frames of a clip.
            stride: From one clip to the next.
            by: Clips that answer for all of their frames, or for their centre: how :mod:`poseglass.clips.windows` cuts.
            count: Which frames of a clip must be valid for it to be there.
        """
        recording, begin = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for number, good in enumerate(valid):
            cut = seq2seq_starts if by == "seq2seq" else seq2frame_starts
            begins = cut(len(good), frames, stride)
            before = np.append(0, np.cumsum(good))  # how many valid frames there are before each
            first, end = (np.clip(places, 0, len(good)) for places in (begins, begins + frames))
            found = before[end] - before[first]
            right = {
                "all": found == end - first,
                "any": found > 0,
                "centre": good[np.clip(begins + frames // 2, 0, len(good) - 1)],
            }[count]
            # With a stride longer than a clip, one may lie wholly beyond an end, which is no clip.
            begins = begins[right & (end > first)]
            recording.append(np.full(len(begins), number, np.int32))
            begin.append(begins.astype(np.int32))
        return cls(frames, np.concatenate(recording), np.concatenate(begin))


@final
class RecordedBatches:
    """Prepared recordings (:class:`poseglass.data.recordings.store.Recordings`) of a data set or one's own.

    2D poses are on the screen (:func:`poseglass.body.geometry.to_screen`), with scores where the model takes three
    inputs (1 where the source has none). 3D poses are root-relative metres in camera space. Both have the joints of
    Human3.6M.

    Training clips are those of the split ``train``, in another order each epoch; its last batch is filled up from the
    begin of its order. Those of ``val`` are judged, which in published data sets are the test subjects'. Which clips a
    step sees does not depend on how many workers share them. A clip with an invalid frame is left out, where only the
    centre is trained one whose centre is invalid.

    Args:
        recordings: What the data set's command prepared.
        recipe: Which 2D poses, which clips, how many at once.

    Raises:
        DataError: The data set, its splits, skeleton or 2D poses are not what training needs; the message says what
            there is.
    """

    coordinates: Literal["screen"] = "screen"

    def __init__(self, recordings: Recordings, recipe: Recipe) -> None:
        model, data = recipe.model, recipe.data
        self.recipe, self.store = recipe, recordings
        known = data.keypoints in recordings.sources
        self.keypoints = data.keypoints if known else h36m_facts.SOURCES.get(data.keypoints, data.keypoints)
        self.picked = _picked(recordings)
        self.train, self.validation = self._of("train", "training"), self._of("val", "validation")
        centre = recipe.loss.frames == "centre"
        funnel = bool(recipe.waist.keep) and recipe.waist.kind == "funnel"
        by: Literal["seq2seq", "seq2frame"] = "seq2frame" if centre or funnel else "seq2seq"

        def cut(of: Recordings, count: Literal["all", "centre", "any"]) -> ClipTable:
            stride = data.stride or model.frames
            return ClipTable.cut([each.valid for each in of], model.frames, stride, by=by, count=count)

        # A funnel may keep any frame of a clip and is trained by all that it kept, but is judged by the centre alone.
        self.clips = cut(self.train, "centre" if centre else "all")
        self.judged = cut(self.validation, "centre" if centre or funnel else "any")
        self.every_frame = not (centre or funnel)
        for name, clips, what in (("training", self.clips, "all"), ("validation", self.judged, "any")):
            if not len(clips):
                of = "a valid centre" if centre or (funnel and name == "validation") else f"{what} of its frames valid"
                raise DataError(
                    f"{recordings.folder} has no {name} clip of {model.frames} frames with {of}; set model.frames or "
                    "data.stride lower"
                )
        self.epoch = math.ceil(len(self.clips) / self._drawn)

    @property
    def _drawn(self) -> int:
        """Clips that a step reads; with their mirror images they are a batch."""
        return self.recipe.data.batch // (2 if self.recipe.data.flip == "both" else 1)

    def draw(self, step: int, rank: int) -> Sample:
        """One worker's share of a step's batch."""
        data, run = self.recipe.data, self.recipe.run
        share = self._drawn // run.workers
        mine = slice(rank * share, (rank + 1) * share)
        places = (step % self.epoch) * self._drawn + np.arange(self._drawn)
        order = _order(run.seed, step // self.epoch, len(self.clips))
        numbers = order[places % len(order)][mine]
        sample = Sample(*self._read(self.train, self.clips, numbers))
        if data.flip == "both":
            return mirrored(sample)
        if data.flip == "random":
            turned = (np.random.default_rng([run.seed, 1, step]).random(self._drawn) < 0.5)[mine, None, None, None]
            pairs = ((poses, flip(poses)) for poses in (sample.pose2d, sample.pose3d))
            return Sample(*(np.where(turned, image, poses) for poses, image in pairs))
        return sample

    def judges(self) -> dict[str, Sample]:
        """Some clips of the validation split, in which padding and invalid frames do not count."""
        rng = np.random.default_rng(JUDGE)
        some = min(max(self.recipe.run.validation_clips, 1), len(self.judged))
        numbers = np.sort(rng.choice(len(self.judged), some, replace=False))
        poses = self._read(self.validation, self.judged, numbers)
        counts = None
        if self.every_frame:
            rows = [_rows(self.validation, self.judged, int(number)) for number in numbers]
            counts = np.stack([recording.valid[frames] & ~padded for recording, frames, padded in rows])
        return {"validation": Sample(*poses, counts)}

    def about(self) -> dict[str, Any]:
        """What the batches are made from; `fingerprint` is that of the folder of recordings."""

        def split(of: Recordings, clips: ClipTable) -> dict[str, Any]:
            subjects = list(dict.fromkeys(each.subject for each in of))
            return {"subjects": subjects, "recordings": len(of), "frames": of.frames, "clips": len(clips)}

        return {
            "kind": "recordings",
            "dataset": self.store.dataset,
            "licence": self.store.licence,
            "fingerprint": self.store.fingerprint,
            "keypoints": self.keypoints,
            "training": split(self.train, self.clips),
            "validation": split(self.validation, self.judged),
            "made": dict(self.store.provenance),
        }

    def _read(
        self, recordings: Recordings, table: ClipTable, numbers: Int[ndarray, " b"]
    ) -> tuple[Float[ndarray, "b f 17 i"], Float[ndarray, "b f 17 3"]]:
        """What a model sees of clips, and the truth."""
        inputs = self.recipe.model.inputs
        pose2d = np.ones((len(numbers), table.frames, len(H36M_17), inputs), np.float32)
        pose3d = np.empty((len(numbers), table.frames, len(H36M_17), 3), np.float32)
        for place, number in enumerate(map(int, numbers)):
            recording, frames, _ = _rows(recordings, table, number)
            points, scores = recording.points3d[frames][:, self.picked], recording.scores(self.keypoints)
            pose2d[place, ..., :2] = to_screen(
                recording.points2d(self.keypoints)[frames][:, self.picked], recording.size
            )
            if inputs == 3 and scores is not None:
                pose2d[place, ..., 2] = scores[frames][:, self.picked]
            pose3d[place] = root_relative(points)
            finite = np.isfinite(pose2d[place]).all((1, 2)) & np.isfinite(pose3d[place]).all((1, 2))
            if not finite.all():
                raise DataError(
                    f"{recording.name}: frame {frames[~finite][0]} of {recordings.folder} is not a number in 3D, or in "
                    f"2D ({self.keypoints}); the folder was changed since it was written, so prepare the data anew"
                )
        return pose2d, pose3d

    def _of(self, split: str, what: str) -> Recordings:
        """The recordings of a split, which must have the 2D poses."""
        store = self.store
        found = store.split(splits=[split])
        if lacking := [each for each in found if self.keypoints not in each.sources]:
            first = lacking[0]
            there, more = ", ".join(first.sources) or "none", ""
            if store.dataset == "Human3.6M":
                more = f", or put data_2d_h36m_{self.keypoints}.npz into the download and prepare it anew"
            raise DataError(
                f"{store.folder} has no 2D poses {self.keypoints!r} of {len(lacking)} of {len(found)} {what} "
                f"recordings, such as {first.name}; there are {there}: set data.keypoints to one of those{more}"
            )
        return found


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, clips: int) -> Int[ndarray, " n"]:
    """In which order an epoch goes through the clips."""
    return np.random.default_rng([seed, 0, epoch]).permutation(clips)


def _picked(recordings: Recordings) -> list[int]:
    """For each joint of Human3.6M, which of the recordings' joints it is."""
    try:
        picked: list[int] = counterparts(recordings.skeleton, H36M_17).tolist()
    except PoseError as problem:
        raise DataError(
            f"{recordings.folder} cannot be trained on, which needs every joint of {H36M_17.name}: {problem}"
        ) from None
    return picked


def _rows(
    recordings: Recordings, table: ClipTable, number: int
) -> tuple[Recording, Int[ndarray, " f"], Bool[ndarray, " f"]]:
    """A clip's recording, which of its frames they are, and which of them repeat its first or its last."""
    recording, begin = recordings[int(table.recording[number])], table.begin[number : number + 1]
    frames = np.clip(begin[0] + np.arange(table.frames), 0, len(recording) - 1)
    return recording, frames, padding(begin, table.frames, len(recording))[0]
