"""Pose an OpenSim model with a .mot file and compare its limbs' directions with those of the points in a .trc file.

    .programs/opensim/bin/python benchmarks/opensim_model.py Rajagopal2016.osim out/walk.mot out/walk.trc

Rajagopal2016.osim is in https://github.com/opensim-org/opensim-models. Both files come from the same motion.
"""

import math
import sys

import numpy as np
import opensim

# The model's bodies at both ends of a limb, and the joints.
LIMBS = {
    "pelvis": ("femur_l", "femur_r", "left_hip", "right_hip"),
    "right thigh": ("femur_r", "tibia_r", "right_hip", "right_knee"),
    "left thigh": ("femur_l", "tibia_l", "left_hip", "left_knee"),
    "right shank": ("tibia_r", "talus_r", "right_knee", "right_ankle"),
    "left shank": ("tibia_l", "talus_l", "left_knee", "left_ankle"),
    "right upper arm": ("humerus_r", "ulna_r", "right_shoulder", "right_elbow"),
    "left upper arm": ("humerus_l", "ulna_l", "left_shoulder", "left_elbow"),
    "right forearm": ("ulna_r", "hand_r", "right_elbow", "right_wrist"),
    "left forearm": ("ulna_l", "hand_l", "left_elbow", "left_wrist"),
}


def main(model_file: str, angles_file: str, points_file: str) -> None:
    """Print the median and the 95th percentile of the angle between model and points, per limb."""
    opensim.Logger.setLevelString("error")
    model = opensim.Model(model_file)
    state = model.initSystem()
    angles, points = opensim.TimeSeriesTable(angles_file), opensim.TimeSeriesTableVec3(points_file)
    coordinates, bodies = model.getCoordinateSet(), model.getBodySet()
    names, markers = angles.getColumnLabels(), list(points.getColumnLabels())

    def place(body: str) -> np.ndarray:
        position = bodies.get(body).getTransformInGround(state).p()
        return np.array([position[axis] for axis in range(3)])

    deviations: dict[str, list[float]] = {limb: [] for limb in LIMBS}
    for frame in range(angles.getNumRows()):
        row, marker_row = angles.getRowAtIndex(frame), points.getRowAtIndex(frame)
        for column, name in enumerate(names):
            length = name in ("pelvis_tx", "pelvis_ty", "pelvis_tz")
            coordinates.get(name).setValue(state, row[column] if length else math.radians(row[column]), False)
        model.realizePosition(state)
        for limb, (start, end, first, second) in LIMBS.items():
            bone = place(end) - place(start)
            ends = [marker_row[markers.index(joint)] for joint in (first, second)]
            vector = np.array([ends[1][axis] - ends[0][axis] for axis in range(3)])
            if np.isfinite(vector).all():
                cosine = bone @ vector / (np.linalg.norm(bone) * np.linalg.norm(vector))
                deviations[limb].append(math.degrees(math.acos(min(cosine, 1))))
    print(f"{angles.getNumRows()} frames; degrees between model and points: median, 95th percentile")
    for limb, values in deviations.items():
        print(f"{limb:16} {np.median(values):6.1f} {np.percentile(values, 95):6.1f}")


main(*sys.argv[1:])
