"""`pg.evaluate`: the accuracy of a model on motion clips, also in the world, or on recordings."""

from typing import Literal, overload

from poseglass.data.clips import MotionClips
from poseglass.data.recordings.store import Recordings
from poseglass.errors import DataError
from poseglass.judging.in_the_world import evaluate_world
from poseglass.judging.on_clips import evaluate_clips
from poseglass.judging.on_recordings import evaluate_recordings
from poseglass.judging.protocol import Protocol
from poseglass.judging.report import ClipReport, RecordingReport, WorldReport
from poseglass.models import devices
from poseglass.models.finite import check_finite
from poseglass.waist.hourglass import PoseModel

__all__ = ["evaluate"]


@overload
def evaluate(
    model: PoseModel,
    data: MotionClips,
    *,
    split: str | None = ...,
    flip: bool = ...,
    protocol: int | None = ...,
    world: Literal[False] = ...,
    device: devices.Device = ...,
    progress: bool = ...,
    engine: str = ...,
) -> ClipReport: ...
@overload
def evaluate(
    model: PoseModel,
    data: MotionClips,
    *,
    split: str | None = ...,
    flip: bool = ...,
    protocol: int | None = ...,
    world: Literal[True],
    device: devices.Device = ...,
    progress: bool = ...,
    engine: str = ...,
) -> WorldReport: ...
@overload
def evaluate(
    model: PoseModel,
    data: Recordings,
    *,
    split: str | None = ...,
    flip: bool = ...,
    device: devices.Device = ...,
    progress: bool = ...,
    engine: str = ...,
) -> RecordingReport: ...
def evaluate(
    model: PoseModel,
    data: MotionClips | Recordings,
    *,
    split: str | None = None,
    flip: bool = False,
    protocol: int | None = None,
    world: bool = False,
    device: devices.Device = None,
    progress: bool = False,
    engine: str = "torch",
) -> ClipReport | WorldReport | RecordingReport:
    """Measure the errors of a model: on motion clips by our own protocol, on recordings by the field's.

    All kinds of report print as a table and have ``markdown()``, ``json()`` and ``csv()``.

    Args:
        model: A backbone, an hourglass or a funnel.
        data: Motion clips (:func:`poseglass.judging.on_clips.evaluate_clips`), or recordings, which are evaluated by
            the default :class:`poseglass.judging.protocol.Protocol`. For another protocol, call
            :func:`poseglass.judging.on_recordings.evaluate_recordings`.
        split: ``"train"``, ``"val"`` or ``"test"``; the test split by default.
        flip: Average with the mirrored pass.
        protocol: Motion clips only: version 1 (the default, that of all published figures) has a detector's mild
            errors, version 2 errors as measured on real video.
        world: Motion clips only: measure whole motions in the world rather than poses relative to the pelvis: the path
            of the person, standing feet and the direction up (:func:`poseglass.judging.in_the_world.evaluate_world`).
        device: Where the model runs: ``"auto"``, ``"cpu"``, ``"cuda:0"``, ``"mps"``, ...; where it is if None. If it is
            elsewhere, a copy of it runs there.
        progress: Show a progress bar.
        engine: What runs the model: ``"torch"``, ``"openvino"``, ``"onnxruntime"`` or ``"auto"``; see
            :func:`poseglass.engines.engine.open_engine`.

    Raises:
        DataError: The split is empty, `protocol` or `world` is given for recordings, there is no such protocol, or it
            is unclear which 2D poses of the recordings to use.
        ModelError: The model cannot be evaluated on this data, its weights are not finite, or this machine has no such
            device.

    Example:
        >>> import poseglass as pg
        >>> clips = pg.MotionClips.load("clips.npz")  # doctest: +SKIP
        >>> print(pg.evaluate(pg.load("balanced"), clips))  # doctest: +SKIP
        >>> print(pg.evaluate(pg.load("balanced"), clips, world=True))  # doctest: +SKIP
        >>> print(pg.evaluate(pg.load("hot-mixste"), pg.Recordings.open("h36m"), flip=True))  # doctest: +SKIP
    """
    check_finite(model)
    model = devices.on_device(model, device)
    if isinstance(data, Recordings):
        if protocol is not None:
            raise DataError(f"protocol={protocol} is a version for motion clips; leave it out for recordings")
        if world:
            raise DataError("world=True is for motion clips, because recordings do not say where the person stands")
        return evaluate_recordings(model, data, Protocol(split=split, flip=flip), progress=progress, engine=engine)
    measure = evaluate_world if world else evaluate_clips
    return measure(
        model,
        data,
        split=split or "test",
        flip=flip,
        protocol=1 if protocol is None else protocol,
        progress=progress,
        engine=engine,
    )
