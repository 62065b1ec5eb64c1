"""Put the people of one video into one world."""

from collections.abc import Sequence
from dataclasses import replace

from poseglass.body.pose import PoseSequence

__all__ = ["in_one_world"]


def in_one_world(motions: Sequence[PoseSequence]) -> list[PoseSequence]:
    """The motions with one transform from the camera to the world: that of the first person who has one.

    Each person was placed alone, in a world with its origin and floor below that person. The camera's axes are the same
    for all, so a common transform shows where people are relative to each other.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> one = pg.PoseSequence(np.zeros((9, 17, 3)), pg.H36M_17, "camera")
        >>> [motion.trajectory for motion in in_one_world([one, one])]
        [None, None]
    """
    worlds = [motion.trajectory.to_world for motion in motions if motion.trajectory is not None]
    common = next((world for world in worlds if world is not None), None)
    return [
        motion if motion.trajectory is None else replace(motion, trajectory=replace(motion.trajectory, to_world=common))
        for motion in motions
    ]
