"""`lift`: lift one source with a new :class:`Lifter`."""

from os import PathLike
from typing import TYPE_CHECKING, Literal, overload

from poseglass.body.pose import PoseSequence
from poseglass.errors import DetectorError
from poseglass.lifting.lifter import Lifter
from poseglass.lifting.source import Source, source_kind
from poseglass.models import devices
from poseglass.motion.placing import Placing
from poseglass.waist.hourglass import PoseModel

if TYPE_CHECKING:
    from poseglass.detect._base import Detector

__all__ = ["lift"]


@overload
def lift(
    source: Source,
    *,
    people: Literal["largest"] = "largest",
    model: str | PathLike[str] | PoseModel = "balanced",
    detector: "Detector | str | None" = None,
    flip: bool = False,
    focal: float | None = None,
    layout: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    device: devices.Device = None,
    placing: Placing = ...,
    engine: str = "torch",
) -> PoseSequence: ...


@overload
def lift(
    source: Source,
    *,
    people: Literal["all"] | int,
    model: str | PathLike[str] | PoseModel = "balanced",
    detector: "Detector | str | None" = None,
    flip: bool = False,
    focal: float | None = None,
    layout: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    device: devices.Device = None,
    placing: Placing = ...,
    engine: str = "torch",
) -> list[PoseSequence]: ...


def lift(
    source: Source,
    *,
    people: Literal["largest", "all"] | int = "largest",
    model: str | PathLike[str] | PoseModel = "balanced",
    detector: "Detector | str | None" = None,
    flip: bool = False,
    focal: float | None = None,
    layout: str | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    device: devices.Device = None,
    placing: Placing = Placing(),  # noqa: B008  # frozen
    engine: str = "torch",
) -> PoseSequence | list[PoseSequence]:
    """Lift a video or 2D keypoints to 3D motion: see :class:`Lifter` and :meth:`Lifter.lift`.

    Example:
        >>> import poseglass as pg
        >>> motion = pg.lift("walk.mp4")  # doctest: +SKIP
        >>> motion.save("walk.npz")  # doctest: +SKIP
        >>> both = pg.lift("dance.mp4", people=2)  # doctest: +SKIP
    """
    if detector is not None and source_kind(source) == "keypoints":
        raise DetectorError("a detector finds people in a video, but keypoints were given: leave out the detector")
    detector = detector or "mediapipe"
    lifter = Lifter(model, detector=detector, flip=flip, focal=focal, device=device, placing=placing, engine=engine)
    return lifter.lift(source, people=people, layout=layout, size=size, fps=fps)
