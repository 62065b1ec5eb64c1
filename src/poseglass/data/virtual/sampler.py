"""`Sampler`: training batches from motion capture, with other bodies, virtual cameras and a detector's mistakes.

Takes are cut and resampled in time, transferred to other bodies, filmed by random virtual cameras, and given a 2D
detector's errors. Everything is computed for a whole batch on one device, without waiting for it; all randomness comes
from the generator passed in.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import NamedTuple, final

import torch
from jaxtyping import Float
from torch import Tensor

from poseglass.body.geometry import root_relative
from poseglass.body.skeleton import H36M_17
from poseglass.clips.constants import constant
from poseglass.clips.person import person_coordinates
from poseglass.clips.sides import steady_sides
from poseglass.data.clips import MotionClips
from poseglass.data.virtual.bodies import bone_lengths, random_lengths, retarget
from poseglass.data.virtual.cameras import facing, random_cameras
from poseglass.data.virtual.detector import DetectorNoise, detect
from poseglass.data.virtual.draws import Draws, TorchDraws
from poseglass.data.virtual.face import H36M_FACE, face, to_nose
from poseglass.data.virtual.layouts import LAYOUT_SHARES, LAYOUTS, observe
from poseglass.data.virtual.limbs import Variety, exchange_limbs, fold_legs, turn_bodies
from poseglass.data.virtual.measured_detector import MeasuredNoise, Projection, detect_measured
from poseglass.data.virtual.placement import place
from poseglass.data.virtual.takes import Takes
from poseglass.errors import DataError

__all__ = ["ClipBatch", "Sampler", "mirror_image"]

# Our own choices; the published weights were trained with them. Shares of clips, unless stated otherwise.
MIRRORED = 0.5
REVERSED = 0.15  # played backwards
ACCOMPANIED = 0.3  # filmed by a camera that travels with the person
AT_NOSE = 0.5  # of clips in Human3.6M's layout: joint 9 is at the nose rather than at the base of the skull
UNSEEN_OUTSIDE = 0.7  # the detector reports no joints outside the image


class ClipBatch(NamedTuple):
    """A batch of clips on a device.

    Attributes:
        pose2d: 2D poses in person coordinates, and scores (b f 17 3).
        pose3d: True poses relative to the pelvis in metres (b f 17 3), in the axes of a camera that faces the pelvis.
    """

    pose2d: Float[Tensor, "b f 17 3"]
    pose3d: Float[Tensor, "b f 17 3"]


@final
@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training batches from takes of motion capture.

    Args:
        clips: The takes, such as those of the training split.
        frames: Frames per clip.
        shares: Maps a prefix of subjects' names to the share of clips drawn from these subjects; see
            :class:`poseglass.data.virtual.takes.Takes`.
        noise: Errors of the 2D poses that are not exact: of version 1 or of version 2, which also places the joints
            where a detector would.
        variety: Shares of clips with poses that motion capture lacks.
        layouts: Maps the names of layouts to the share of clips that each has.
        clean: Share of clips whose 2D is the exact projection of the 17 joints.

    Raises:
        DataError: No take has two frames, clips would have none, a share is not from 0 to 1, or there is no such
            layout.

    Example:
        >>> import numpy as np
        >>> from poseglass.data.clips import MotionClip
        >>> from poseglass.data.synthetic.people import STYLES, move
        >>> points = move(np.random.default_rng(0), STYLES["Walking"], 90)[..., [1, 2, 0]]
        >>> takes = tuple(MotionClip(who, points, who) for who in ("anna", "ward_1"))
        >>> sampler = Sampler(MotionClips(takes, fps=50.0), 27, shares={"ward_": 0.3})
        >>> batch = sampler.sample(torch.Generator().manual_seed(0), 4)
        >>> [*batch.pose2d.shape], [*batch.pose3d.shape]
        ([4, 27, 17, 3], [4, 27, 17, 3])
    """

    clips: MotionClips
    frames: int
    _: KW_ONLY
    shares: Mapping[str, float] = field(default_factory=dict)
    noise: DetectorNoise | MeasuredNoise = field(default_factory=DetectorNoise)
    variety: Variety = field(default_factory=Variety)
    layouts: Mapping[str, float] = field(default_factory=LAYOUT_SHARES.copy)
    clean: float = 0.25

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise DataError(f"a clip needs at least 1 frame, got {self.frames}")
        if not any(len(clip.points) > 1 for clip in self.clips):
            raise DataError("training needs takes of at least 2 frames; these clips have none")
        for name, share in {"clean": self.clean, **vars(self.variety), **self.shares, **self.layouts}.items():
            if not 0 <= share <= 1:
                raise DataError(f"the share {name!r} must be from 0 to 1, got {share:g}")
        if sum(self.shares.values()) > 1 + 1e-9:
            raise DataError(f"the shares {dict(self.shares)} must add up to at most 1")
        known = [layout.name for layout in LAYOUTS]
        if unknown := {*self.layouts} - {*known}:
            raise DataError(f"there is no layout {', '.join(sorted(unknown))}; there are {', '.join(known)}")
        if abs(sum(self.layouts.values()) - 1) > 1e-6:
            raise DataError(f"the shares of layouts {dict(self.layouts)} must add up to 1")

    def sample(self, generator: torch.Generator | Draws, batch: int) -> ClipBatch:
        """Draw a batch; the same state of the generator gives the same batch.

        Args:
            generator: The source of randomness. The batch is made on its device.
            batch: The number of clips.
        """
        draws = TorchDraws(generator) if isinstance(generator, torch.Generator) else generator
        with torch.no_grad():
            return self._sample(draws, batch)

    def _sample(self, draws: Draws, batch: int) -> ClipBatch:
        world, fps = self._motion(draws, batch)
        features = face(world)
        layout = draws.choice(tuple(self.layouts.get(each.name, 0.0) for each in LAYOUTS), batch)
        # Motion capture has joint 9 at the base of the skull. Human3.6M and detectors have it at the nose.
        nose = (layout > 0) | draws.chance(AT_NOSE, batch)
        world = torch.where(nose[:, None, None, None], to_nose(world, features), world)

        cameras = random_cameras(draws, world)
        joints = torch.cat([world, features], 2)  # b f 23 3
        space = cameras.to_camera(world)
        if isinstance(self.noise, DetectorNoise):
            pixels = cameras.project(cameras.to_camera(joints))
            points, scores = detect(draws, pixels, self.noise, H36M_FACE.mirror)
        else:
            placed = cameras.to_camera(place(draws, joints, layout))
            pixels = cameras.project(placed)
            view = Projection(pixels, placed[..., 2], fps)
            points, scores = detect_measured(draws, view, self.noise, H36M_FACE.mirror)
        outside = ((pixels < 0) | (pixels > cameras.size[:, None, None])).any(-1)
        scores = scores.masked_fill(outside & draws.chance(UNSEEN_OUTSIDE, batch, 1, 1), 0)
        points, scores = observe(points, scores, layout)
        exact = draws.chance(self.clean, batch, 1, 1)
        points = torch.where(exact[..., None], cameras.project(space), points)
        scores = scores.masked_fill(exact, 1)
        pose2d = person_coordinates(*steady_sides(points, scores))
        pose3d = root_relative(space) @ facing(space[:, :, 0]).mT
        return ClipBatch(pose2d, pose3d.float())

    def _motion(self, draws: Draws, batch: int) -> tuple[Float[Tensor, "b f 17 3"], Float[Tensor, " b"]]:
        """Motion in the world, stretches of takes on other bodies, and the frame rate of each clip."""
        takes = self._takes(draws.device)
        world, fps = takes.stretches(draws, batch, self.frames, still=self.variety.still)
        world = world - world[:, :, :1].mean(1, keepdim=True)
        mirrored = draws.chance(MIRRORED, batch, 1, 1, 1)
        world = torch.where(mirrored, mirror_image(world), world)
        world = torch.where(draws.chance(REVERSED, batch, 1, 1, 1), world.flip(1), world)
        ground = constant((1.0, 0.0, 1.0), draws.device, world.dtype)
        world = world - world[:, :, :1] * ground * _accompaniment(draws, batch)
        lengths = random_lengths(draws, bone_lengths(world))
        world = exchange_limbs(draws, world, self.variety)
        world = fold_legs(draws, world, self.variety.crouching)
        return turn_bodies(draws, retarget(world, lengths), self.variety), fps

    def _takes(self, device: torch.device) -> Takes:
        if device not in self._packed:
            self._packed[device] = Takes(self.clips, self.shares, device)
        return self._packed[device]

    @cached_property
    def _packed(self) -> dict[torch.device, Takes]:
        """The takes on each device."""
        return {}


def mirror_image(poses: Float[Tensor, "b f 17 i"]) -> Float[Tensor, "b f 17 i"]:
    """:func:`poseglass.clips.mirror.flip` for tensors: negate x, and exchange left and right joints."""
    signs = constant((-1.0, *[1.0] * (poses.shape[-1] - 1)), poses.device, poses.dtype)
    return poses.index_select(2, constant(H36M_17.mirror, poses.device)) * signs


def _accompaniment(draws: Draws, batch: int) -> Float[Tensor, "b 1 1 1"]:
    """Share of the person's path over the ground that the camera follows, from 0 to 1; 0 for most clips."""
    follows = draws.chance(ACCOMPANIED, batch, 1, 1, 1)
    return draws.uniform(0, 1, batch, 1, 1, 1).where(follows, 0)
