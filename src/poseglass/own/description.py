"""`MotionDescription`: the content of a ``motion.toml``, which describes a folder of motion files."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from poseglass.body.geometry import Camera
from poseglass.own.joint_names import Blend

__all__ = ["FILE", "MotionDescription", "OwnCamera", "TakeEntry"]

FILE = "motion.toml"


@dataclass(frozen=True, eq=False)
class OwnCamera:
    """One of the user's cameras.

    Args:
        camera: The camera in the user's world, with its unit of length and axes.
        size: Width and height of the images in pixels.
        placed: Whether the rotation and position are known. If not, the camera can only see motion in its own space.
    """

    camera: Camera
    size: tuple[int, int]
    placed: bool


@dataclass(frozen=True)
class TakeEntry:
    """A take listed in the description. For an empty field, the file's path or the description as a whole decides.

    Args:
        file: Path, relative to the folder of motion files.
        subject: The person who moves.
        take: The name of the take, unique per subject.
        action: What the person does.
        camera: The camera in whose space the motion is; empty if it is in the world.
        cameras: The cameras that saw the take; empty for all.
        layout: The joint layout of its 2D keypoints, for files that do not state it.
        fps: Frames per second.
        keypoints: Files of 2D keypoints, by camera name.
    """

    file: str
    subject: str = ""
    take: str = ""
    action: str = ""
    camera: str = ""
    cameras: tuple[str, ...] = ()
    layout: str = ""
    fps: float | None = None
    keypoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class MotionDescription:
    """The content of a ``motion.toml``. Missing facts are taken from the files or found from the bodies.

    Args:
        dataset: A name for the data.
        licence: The terms of use.
        credit: The credit line that must accompany the data and weights trained on them.
        layout: The joint layout of 2D keypoints, for files that do not state it.
        fps: Frames per second, for files that do not state it.
        unit: Metres per unit of length.
        up: The axis that points up, a key of :data:`poseglass.body.geometry.UP`.
        space: ``world`` (fixed axes, any of which may point up) or ``camera`` (x right, y down, z forward).
        names: Joint names in the order of arrays.
        splits: The subjects of each split; all others are in ``train``.
        joints: Joints as blends of a file's points.
        cameras: Cameras by name.
        takes: The listed takes; empty to use every motion file in the folder.
        crossed: Files, or patterns of files, in which limbs are crossed, so that sides that look exchanged are right.

    Example:
        >>> MotionDescription(splits={"val": ("ben",)}).split_of("anna")
        'train'
    """

    dataset: str = "own motion"
    licence: str = ""
    credit: str = ""
    layout: str = ""
    fps: float | None = None
    unit: float | None = None
    up: str | None = None
    space: str | None = None
    names: tuple[str, ...] = ()
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joints: Mapping[str, Blend] = field(default_factory=dict)
    cameras: Mapping[str, OwnCamera] = field(default_factory=dict)
    takes: tuple[TakeEntry, ...] = ()
    crossed: tuple[str, ...] = ()

    def split_of(self, subject: str) -> str:
        """The split of a subject."""
        return next((split for split, subjects in self.splits.items() if subject in subjects), "train")
