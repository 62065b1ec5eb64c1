"""Training clips out of motion capture: other bodies, other cameras, and a detector's mistakes.

A :class:`Sampler` makes batches: takes are cut and resampled in time, moved to other bodies, seen by random virtual
cameras, and reported as a 2D detector would. Everything is numpy over the whole batch, and all chance comes from the
generator passed in.
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.data.clips import MotionClips
from poseglass.data.detection import LAYOUTS, SEEN, Detection, detect, face, observe, to_nose
from poseglass.data.windows import person_coordinates
from poseglass.geometry import Camera, facing, look_at
from poseglass.skeleton import H36M_17, Skeleton

__all__ = ["Sample", "Sampler", "flip", "mirrored", "random_cameras", "random_lengths", "retarget"]

PARENTS = np.array(H36M_17.parents)
# Human3.6M's mean bone lengths in metres, each from the joint's parent.
H36M_LENGTHS = np.array(
    [0, 0.134, 0.443, 0.443, 0.134, 0.443, 0.443, 0.236, 0.254, 0.116, 0.115, 0.151, 0.278, 0.249, 0.151, 0.278, 0.249]
)


@dataclass(frozen=True)
class Sample:
    """A batch for training.

    Attributes:
        pose2d: What the model sees, (b f 17 i); a :class:`Sampler` gives (b f 17 3), as
            :func:`poseglass.data.windows.person_coordinates` makes it.
        pose3d: The truth, root-relative metres, (b f 17 3); a :class:`Sampler` gives them as a camera sees them that
            faces the pelvis.
        counts: Which frames count where it is judged, (b f); all where None.
    """

    pose2d: Float[ndarray, "b f 17 i"]
    pose3d: Float[ndarray, "b f 17 3"]
    counts: Bool[ndarray, "b f"] | None = None


def flip(pose: Float[ndarray, "*b j i"], skeleton: Skeleton = H36M_17) -> Float[ndarray, "*b j i"]:
    """The mirror image of centred poses (... j i): x negated, left and right joints exchanged."""
    mirrored = pose[..., list(skeleton.mirror), :]  # indexing with a list copies
    mirrored[..., 0] *= -1
    return mirrored


def mirrored(sample: Sample) -> Sample:
    """Clips (b f 17 ...) and their mirror images, (2b f 17 ...), for training."""
    pose2d, pose3d = (np.concatenate([poses, flip(poses)]) for poses in (sample.pose2d, sample.pose3d))
    return Sample(pose2d, pose3d)


def retarget(points: Float[ndarray, "b f 17 3"], lengths: Float[ndarray, "b 17"]) -> Float[ndarray, "b f 17 3"]:
    """The same motion on bodies of other bone lengths: directions kept, the root's path scaled with the legs.

    Args:
        points: World poses (b f 17 3).
        lengths: Mean length of each joint's bone to its parent in metres, (b 17). The root's is not used.
    """
    bones = points[:, :, 1:] - points[:, :, PARENTS[1:]]
    own = np.linalg.norm(bones, axis=-1).mean(1)  # b 16
    bones = bones * (lengths[:, 1:] / np.maximum(own, 1e-6))[:, None, :, None]
    legs = [2, 3, 5, 6]
    stature = lengths[:, legs].sum(1) / own[:, [i - 1 for i in legs]].sum(1)
    moved = np.empty_like(points)
    moved[:, :, 0] = points[:, :, 0] * stature[:, None, None]
    for joint in range(1, 17):
        moved[:, :, joint] = moved[:, :, PARENTS[joint]] + bones[:, :, joint - 1]
    return moved


def random_lengths(rng: Generator, own: Float[ndarray, "b 17"]) -> Float[ndarray, "b 17"]:
    """Bone lengths of random people, adults and some children, left and right alike, (b 17)."""
    count = len(own)
    toward = rng.uniform(0, 1.15, (count, 1))
    lengths = own + toward * (H36M_LENGTHS - own)
    # Stretched in proportion, by parts of the body that grow together, and bone by bone.
    arms, legs, trunk = ([11, 12, 13, 14, 15, 16], [2, 3, 5, 6], [7, 8, 9, 10])
    for part in (arms, legs, trunk):
        lengths[:, part] *= np.exp(rng.normal(0, 0.05, (count, 1)))
    own_way = np.exp(rng.normal(0, 0.05, (count, 17)))
    lengths *= (own_way + own_way[:, list(H36M_17.mirror)]) / 2
    child = rng.random((count, 1)) < 0.1
    return np.asarray(
        lengths * np.where(child, rng.uniform(0.6, 0.9, (count, 1)), np.exp(rng.normal(0, 0.05, (count, 1))))
    )


def random_cameras(rng: Generator, points: Float[ndarray, "b f 17 3"]) -> tuple[Camera, Float[ndarray, "b 2"]]:
    """A virtual camera for each clip of world poses, and the sizes (width, height) of their images (b 2).

    Any yaw; level or looking up or steeply down; some roll; 1.5 to 10 m away; wide to tele lens; the person anywhere in
    an image of any aspect ratio.
    """
    count = len(points)
    middle = points[:, :, 0].mean(1)
    reach = np.linalg.norm(points - middle[:, None, None], axis=-1).max((1, 2))

    yaw = rng.uniform(-np.pi, np.pi, count)
    pitch = np.radians(np.where(rng.random(count) < 0.6, rng.normal(5, 10, count), rng.uniform(-25, 70, count)))
    steady, tilted = rng.normal(0, 4, count), rng.uniform(-45, 45, count)
    roll = np.radians(np.where(rng.random(count) < 0.85, steady, tilted))
    away = np.stack([np.cos(pitch) * np.sin(yaw), np.sin(pitch), np.cos(pitch) * np.cos(yaw)], -1)
    distance = np.maximum(np.exp(rng.uniform(np.log(1.5), np.log(10), count)), reach + 0.5)

    size = np.array([(1920, 1080), (1080, 1920), (1440, 1080), (1080, 1080)], float)[
        rng.choice(4, count, p=(0.5, 0.2, 0.15, 0.15))
    ]
    # Wide to tele, but the person fits into the image more or less.
    focal = size.max(-1) * np.exp(rng.uniform(np.log(0.55), np.log(2.5), count))
    focal = np.minimum(focal, 1.3 * size.min(-1) * distance / np.maximum(2 * reach, 1.0))
    # The person stands where this point of the image looks: the camera is turned away by that much.
    corner = rng.uniform(-0.7, 0.7, (count, 2)) * size / 2 * rng.random((count, 1))
    ray = np.concatenate([corner / focal[:, None], np.ones((count, 1))], -1)
    turned = np.swapaxes(look_at(ray * np.array([1.0, -1.0, -1.0])), -1, -2)
    camera = Camera(
        rotation=_MIRROR_YZ @ turned @ look_at(-away, roll),
        position=middle + away * distance[:, None],
        focal=np.repeat(focal[:, None], 2, 1),
        centre=size / 2,
    )
    return camera, size


_MIRROR_YZ = np.diag([1.0, -1.0, -1.0])


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws training batches from takes.

    Args:
        clips: Takes of the training split.
        frames: Frames of a clip.
        rehab_share: Share of batches' clips from UI-PRMD (subjects ``prmd_*``), which has little variety a minute.
        detection: How bad the 2D is where it is not clean.
        clean: Share of clips whose 2D is the exact projection of the 17 joints.
    """

    clips: MotionClips
    frames: int
    rehab_share: float = 0.28
    detection: Detection = field(default_factory=Detection)
    clean: float = 0.25

    def sample(self, rng: Generator, batch: int) -> Sample:
        """One batch; the same generator state gives the same batch."""
        takes = np.stack([self._take(rng) for _ in range(batch)])
        takes = takes - takes[:, :, :1].mean(1, keepdims=True)
        takes = np.where((rng.random(batch) < 0.5)[:, None, None, None], flip(takes), takes)
        takes = np.where((rng.random(batch) < 0.15)[:, None, None, None], takes[:, ::-1], takes)
        takes[:, :, 0:, ::2] -= (takes[:, :, :1] * _still(rng, batch))[..., ::2]
        takes = retarget(takes, random_lengths(rng, np.linalg.norm(takes - takes[:, :, PARENTS], axis=-1).mean(1)))
        takes = _lie_down(rng, takes)
        extra = face(takes)
        layout = np.where(rng.random(batch) < 0.4, 0, rng.integers(1, 1 + len(LAYOUTS), batch))
        # Joint 9 of the takes is the skull base; a detector's, and Human3.6M's, is at the nose, 5 cm in front.
        nose = (layout > 0) | (rng.random(batch) < 0.5)
        takes = np.where(nose[:, None, None, None], to_nose(takes, extra), takes)

        camera, size = random_cameras(rng, takes)
        seen = camera.to_camera(np.concatenate([takes, extra], 2).reshape(batch, -1, 3)).reshape(
            batch, self.frames, -1, 3
        )
        pixels = camera.project(seen.reshape(batch, -1, 3)).reshape(*seen.shape[:3], 2)

        clean = rng.random(batch) < self.clean
        layout = np.where(clean, 0, layout)
        found, scores = detect(rng, pixels, self.detection, SEEN.mirror)
        outside = ((pixels < 0) | (pixels > size[:, None, None])).any(-1)
        scores = np.where(outside & (rng.random(batch) < 0.7)[:, None, None], 0, scores)
        found, scores = observe(found, scores, layout)
        exact = clean[:, None, None]
        found = np.where(exact[..., None], pixels[:, :, :17], found)
        scores = np.where(exact, 1, scores)
        pose3d = (seen[:, :, :17] - seen[:, :, :1]) @ np.swapaxes(facing(seen[:, :, 0]), -1, -2)
        return Sample(person_coordinates(found, scores), pose3d.astype(np.float32))

    def _take(self, rng: Generator) -> Float[ndarray, "f 17 3"]:
        """A stretch of a random take at a random speed, linearly interpolated in time."""
        rehab = rng.random() < self.rehab_share
        usable = [clip for clip in self.clips if len(clip.points) > 1]
        clips = [clip for clip in usable if clip.subject.startswith("prmd") == rehab] or usable
        lengths = np.array([len(clip.points) for clip in clips], float)
        points = clips[rng.choice(len(clips), p=lengths / lengths.sum())].points
        fps = 30.0 if rng.random() < 0.4 else rng.uniform(24, 60)
        step = self.clips.fps / fps * rng.uniform(0.8, 1.25)
        time = rng.uniform(0, max(len(points) - 1 - step * (self.frames - 1), 0)) + step * np.arange(self.frames)
        # A take that is too short is played back and forth.
        last = len(points) - 1
        time = last - np.abs(last - time % (2 * last))
        before = np.minimum(time.astype(int), last - 1)
        share = (time - before)[:, None, None]
        taken: ndarray = points[before] * (1 - share) + points[before + 1] * share
        return taken


def _still(rng: Generator, batch: int) -> ndarray:
    """How much of the way over the ground the camera goes along with, (b 1 1 1): mostly nothing."""
    return np.asarray(np.where(rng.random(batch) < 0.3, rng.random(batch), 0)[:, None, None, None])


def _lie_down(rng: Generator, takes: Float[ndarray, "b f 17 3"]) -> Float[ndarray, "b f 17 3"]:
    """Some clips turned about a horizontal axis through their middle, as if lying: motion capture has little of it."""
    batch = len(takes)
    angle = np.where(rng.random(batch) < 0.06, rng.uniform(-np.pi, np.pi, batch), 0)
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.zeros((batch, 3, 3))
    turn[:, 0, 0] = 1
    turn[:, 1, 1] = turn[:, 2, 2] = cosine
    turn[:, 1, 2], turn[:, 2, 1] = -sine, sine
    turned: ndarray = np.einsum("bij,bfnj->bfni", turn, takes)
    return turned
