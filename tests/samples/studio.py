"""A folder with motion files of three people, a ``motion.toml`` and a camera whose projection is written out here."""

from pathlib import Path

import numpy as np

from poseglass import H36M_17, PoseSequence
from samples import motion_files

# A camera as OpenCV's calibration describes it, in a z-up world in millimetres: 4 m away, 1.2 m high, looking along +y.
CAMERA = """
[cameras.front]
size = [1280, 720]
focal = [1000, 1010]
centre = [630, 350]
distortion = [0.1, -0.05, 0.001, -0.002, 0.01]
rotation = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
translation = [0, 1200, 4000]
"""
SUBJECTS = ("anna", "ben", "cleo")


def z_up(points: np.ndarray) -> np.ndarray:
    """Points with z up, as in most laboratories, from points with y up."""
    return points[..., [2, 0, 1]]


def project(point: np.ndarray) -> tuple[np.ndarray, list[float]]:
    """A point of the z-up world in millimetres: in the space of CAMERA, in metres, and in its image, in pixels."""
    x, y, z = point[0], -point[2] + 1200, point[1] + 4000
    a, b = x / z, y / z
    r = a * a + b * b
    k = 1 + 0.1 * r - 0.05 * r**2 + 0.01 * r**3
    u = a * k + 2 * 0.001 * a * b - 0.002 * (r + 2 * a * a)
    v = b * k + 0.001 * (r + 2 * b * b) - 2 * 0.002 * a * b
    return np.array([x, y, z]) / 1000, [1000 * u + 630, 1010 * v + 350]


def pixels(seed: int) -> np.ndarray:
    """The 2D poses of a subject in CAMERA's image (f 17 2)."""
    points = z_up(motion_files.people(seed=seed)) * 1000
    return np.array([[project(joint)[1] for joint in frame] for frame in points])


def write_studio(folder: Path) -> Path:
    """Write one take of each subject, in millimetres with z up, and the description."""
    for seed, subject in enumerate(SUBJECTS):
        (folder / subject).mkdir(parents=True)
        motion_files.write_trc(folder / subject / "walk 1.trc", z_up(motion_files.people(seed=seed)))
    (folder / "motion.toml").write_text(
        'dataset = "studio"\nlicence = "ours"\nunits = "mm"\nup = "z"\n'
        '[splits]\nval = ["ben"]\ntest = ["cleo"]\n' + CAMERA
    )
    return folder


def add_takes(folder: Path, keypoints: np.ndarray) -> None:
    """List the takes in the description; anna's take gets these keypoints of the camera."""
    PoseSequence(keypoints, H36M_17, "pixels", fps=50, size=(1280, 720)).save(folder / "anna 2d.csv")
    text = (folder / "motion.toml").read_text()
    for subject in SUBJECTS:
        text += f'\n[[takes]]\nfile = "{subject}/walk 1.trc"\nsubject = "{subject}"\naction = "Walking"\n'
        text += 'keypoints = { front = "anna 2d.csv" }\n' if subject == "anna" else ""
    (folder / "motion.toml").write_text(text)
