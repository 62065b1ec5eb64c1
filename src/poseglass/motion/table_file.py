"""Write a motion as one table: joints, path, contact, uncertainty, joint angles and gait events, one row per frame."""

from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np

from poseglass.body.pose import PoseSequence
from poseglass.body.pose_file import write_csv
from poseglass.body.skeleton import conversion
from poseglass.errors import PoseError
from poseglass.motion.angles import joint_angles
from poseglass.motion.gait import Kind, Side, gait_events

__all__ = ["write_table"]


def write_table(motion: PoseSequence, path: Path) -> None:
    """Write the columns of :func:`poseglass.body.pose_file.write_csv`, then angles and events.

    The joint angles are in degrees and the gait events 0 or 1. 2D poses, and skeletons that do not convert to
    Human3.6M's, have neither.

    Example:
        >>> import numpy as np, poseglass as pg
        >>> write_table(pg.PoseSequence(np.zeros((1, 17, 3)), pg.H36M_17, "camera"), Path("walk.csv"))
        >>> Path("walk.csv").read_text().split("\\n")[0].split(",")[-3:]
        ['left_toe_off', 'right_heel_strike', 'right_toe_off']
    """
    columns = {}
    if motion.units == "metres" and _converts(motion):
        angles = joint_angles(motion)
        columns = dict(zip(angles.names, angles.degrees.T, strict=True))
        events = {(event.side, event.kind, event.frame) for event in gait_events(motion)}
        for side, kind in product(get_args(Side), get_args(Kind)):
            happens = [(side, kind, frame) in events for frame in range(len(motion))]
            columns[f"{side}_{kind}"] = np.array(happens, float)
    write_csv(motion, path, columns)


def _converts(motion: PoseSequence) -> bool:
    try:
        conversion(motion.skeleton)
    except PoseError:
        return False
    return True
