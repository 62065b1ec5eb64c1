"""Training clips out of motion capture: other bodies, other cameras, and a detector's mistakes.

One call of :func:`sample` makes a batch: takes are cut and resampled in time, moved to other bodies, seen by random
virtual cameras, and reported as a 2D detector would. Everything is numpy over the whole batch, and all chance comes
from the generator passed in.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.random import Generator

from poseglass.data.clips import MotionClips
from poseglass.data.windows import person_coordinates
from poseglass.geometry import Camera, look_at
from poseglass.skeleton import BLAZEPOSE_33, BODY_25, COCO_17, H36M_17, HALPE_26, Skeleton, conversion

__all__ = [
    "Detection",
    "Sample",
    "Sampler",
    "detect",
    "face",
    "flip",
    "observe",
    "random_cameras",
    "retarget",
    "to_nose",
]

PARENTS = np.array(H36M_17.parents)
# Human3.6M's mean bone lengths in metres, each from the joint's parent.
H36M_LENGTHS = np.array(
    [0, 0.134, 0.443, 0.443, 0.134, 0.443, 0.443, 0.236, 0.254, 0.116, 0.115, 0.151, 0.278, 0.249, 0.151, 0.278, 0.249]
)
LAYOUTS = (COCO_17, HALPE_26, BODY_25, BLAZEPOSE_33)
COCO_LAYOUT = 1 + LAYOUTS.index(COCO_17)  # as `observe` counts them

# What is projected: the 17 joints, and what the detectors' layouts need beyond them.
SEEN = Skeleton(
    "seen", (*H36M_17.joints, "nose", "left_eye", "right_eye", "left_ear", "right_ear", "neck"), H36M_17.bones
)


@dataclass(frozen=True)
class Sample:
    """A batch for training.

    Attributes:
        pose2d: What the model sees, (b f 17 3), as :func:`poseglass.data.windows.person_coordinates` makes it.
        pose3d: The truth, root-relative metres in camera space, (b f 17 3).
    """

    pose2d: Float[ndarray, "b f 17 3"]
    pose3d: Float[ndarray, "b f 17 3"]


@dataclass(frozen=True)
class Detection:
    """How bad the 2D is. Lengths are shares of the person's height in the image.

    Args:
        jitter: Range, log-uniform over clips, of the standard deviation of noise that wanders from frame to frame.
        bias: Standard deviation of a joint's constant offset in a clip.
        outliers: Share of joints and frames that are far off.
        swaps: Chance that a clip has a spell of left and right exchanged.
        gaps: Chance that a joint is missing for a spell.
        blackouts: Chance that the whole person is missing for a spell.
    """

    jitter: tuple[float, float] = (0.002, 0.012)
    bias: float = 0.006
    outliers: float = 0.004
    swaps: float = 0.08
    gaps: float = 0.05
    blackouts: float = 0.05


def flip(pose: Float[ndarray, "*b j i"], skeleton: Skeleton = H36M_17) -> Float[ndarray, "*b j i"]:
    """The mirror image of centred poses (... j i): x negated, left and right joints exchanged."""
    mirrored = pose[..., list(skeleton.mirror), :]  # indexing with a list copies
    mirrored[..., 0] *= -1
    return mirrored


def face(points: Float[ndarray, "*b 17 3"]) -> Float[ndarray, "*b 6 3"]:
    """Nose, eyes, ears and neck (... 6 3) of 17 joints whose joint 9 is the skull base; metres, y up.

    The head's axes are thorax to head top and the shoulders' line; offsets are an adult's.
    """
    base, top, thorax = points[..., 9, :], points[..., 10, :], points[..., 8, :]
    up = _unit(top - thorax)
    left = points[..., 11, :] - points[..., 14, :]
    left = _unit(left - (left * up).sum(-1, keepdims=True) * up)
    front = np.cross(left, up)
    eyes, ears = base + 0.075 * front + 0.035 * up, base - 0.005 * front + 0.015 * up
    neck = (points[..., 11, :] + points[..., 14, :]) / 2
    return np.stack(
        [base + 0.09 * front, eyes + 0.032 * left, eyes - 0.032 * left, ears + 0.075 * left, ears - 0.075 * left, neck],
        -2,
    )


def to_nose(points: Float[ndarray, "*b 17 3"], features: Float[ndarray, "*b 6 3"]) -> Float[ndarray, "*b 17 3"]:
    """The joints with joint 9 moved from the skull base, where motion capture has it, 5 cm forward.

    There Human3.6M has it, and detectors' noses are near. `features` are what :func:`face` made of the points.
    """
    moved = points.copy()
    moved[..., 9, :] += (features[..., 0, :] - points[..., 9, :]) * (0.05 / 0.09)
    return moved


def _unit(v: ndarray) -> ndarray:
    length = np.linalg.norm(v, axis=-1, keepdims=True)
    return np.asarray(v / np.maximum(length, 1e-9))


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


def _spells(rng: Generator, count: int, frames: int, chance: ndarray | float, longest: int) -> ndarray:
    """Boolean (count frames): with the given chance, one stretch of up to `longest` frames that is True."""
    begin = rng.integers(-longest // 2, frames, count)[:, None]
    length = rng.integers(1, longest + 1, count)[:, None]
    time = np.arange(frames)
    return np.asarray((rng.random(count)[:, None] < chance) & (time >= begin) & (time < begin + length))


def detect(
    rng: Generator, pixels: Float[ndarray, "b f n 2"], how: Detection, mirror: tuple[int, ...]
) -> tuple[Float[ndarray, "b f n 2"], Float[ndarray, "b f n"]]:
    """What a detector would report of true joints in the image: positions off, scores that know it somewhat.

    Args:
        rng: The source of chance.
        pixels: True positions (b f n 2).
        how: How bad it is.
        mirror: The permutation of the joints that exchanges left and right.

    Returns:
        Positions (b f n 2) and scores (b f n); a missing joint has score 0.
    """
    count, frames, joints = pixels.shape[:3]
    spread = pixels.max(2) - pixels.min(2)
    size = np.median(np.linalg.norm(spread, axis=-1), axis=1)[:, None, None, None]

    low, high = np.log(how.jitter)
    sigma = np.exp(rng.uniform(low, high, (count, 1, 1, 1))) * rng.uniform(0.5, 1.7, (count, 1, joints, 1))
    memory = rng.uniform(0.3, 0.95, (count, 1, 1))
    white = rng.normal(size=pixels.shape)
    noise = np.empty_like(white)
    noise[:, 0] = white[:, 0]
    for t in range(1, frames):
        noise[:, t] = memory * noise[:, t - 1] + np.sqrt(1 - memory**2) * white[:, t]
    # Calm and bad stretches alternate: the noise swells and fades over the clip.
    swell = np.exp(0.5 * np.sin(rng.uniform(0, 2 * np.pi, (count, 1, joints, 1)) + _waves(rng, count, frames)))
    error = sigma * swell * noise + rng.normal(0, how.bias, (count, 1, joints, 2))
    far = rng.random((count, frames, joints)) < how.outliers
    error += far[..., None] * rng.normal(0, 0.15, (count, frames, joints, 2))

    swapped = _spells(rng, count, frames, how.swaps, 15)[..., None]
    legs_only = rng.random((count, 1, 1)) < 0.5
    low_body = np.isin(np.arange(joints), [1, 2, 3, 4, 5, 6])
    swapped = (swapped & (~legs_only | low_body))[..., None]
    found = np.where(swapped, pixels[:, :, list(mirror)], pixels) + error * size

    off = np.linalg.norm(error, axis=-1)
    scores = np.clip(rng.uniform(0.75, 1.0, (count, 1, joints)) - 6 * off + rng.normal(0, 0.05, off.shape), 0.05, 1)
    missing = _spells(rng, count * joints, frames, how.gaps, 40).reshape(count, joints, frames).swapaxes(1, 2)
    missing = missing | _spells(rng, count, frames, how.blackouts, 20)[..., None]
    return found, np.where(missing, 0, scores)


def _waves(rng: Generator, count: int, frames: int) -> ndarray:
    speed = rng.uniform(0.02, 0.2, (count, 1, 1, 1))
    return np.asarray(speed * np.arange(frames)[:, None, None])


def observe(
    points: Float[ndarray, "b f n 2"], scores: Float[ndarray, "b f n"], layout: ndarray
) -> tuple[Float[ndarray, "b f 17 2"], Float[ndarray, "b f 17"]]:
    """The 17 joints of what was :data:`SEEN`, each clip through the conversion of its detector's layout.

    Args:
        points: Positions of the joints of :data:`SEEN`, (b f n 2).
        scores: Their scores (b f n).
        layout: For each clip a number: 0 for the 17 joints themselves, i for ``LAYOUTS[i - 1]``.
    """
    matrix = _CONVERSIONS[layout]  # b 17 n
    found = np.einsum("bjn,bfnd->bfjd", matrix, points)
    lowest = np.stack([np.where(matrix[:, None, j] != 0, scores, np.inf).min(-1) for j in range(matrix.shape[1])], -1)
    return found, lowest


def _conversions() -> ndarray:
    matrices = [conversion(SEEN, H36M_17)]
    for layout in LAYOUTS:
        matrix = conversion(layout, H36M_17)
        onto = np.zeros((17, len(SEEN)))
        for column, joint in enumerate(layout.joints):
            if matrix[:, column].any():
                onto[:, SEEN.index(joint)] = matrix[:, column]
        matrices.append(onto)
    return np.stack(matrices)


_CONVERSIONS = _conversions()


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
    detection: Detection = Detection()
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
        pose3d = seen[:, :, :17] - seen[:, :, :1]
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
