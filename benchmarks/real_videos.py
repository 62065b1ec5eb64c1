"""Real videos to judge on, from packages on the index: fetched once into the cache, their hash checked.

Pose2Sim carries one recording with several views: a man who balances on one leg, filmed by four calibrated cameras
(60 fps, 100 frames). Its videos of two people are the same recording with a rendered woman in front of or behind him.
Sports2D has one view of a walk. Both packages are under the BSD licence. We know of no other package with views of a
person.
"""

import sys
from pathlib import Path

import numpy as np
from numpy import ndarray

import poseglass as pg
from poseglass.body.concatenate import concatenate
from poseglass.detect import MediaPipeDetector, make_detector
from poseglass.detect.fetch import cache_folder
from poseglass.detect.packages import Wheel
from poseglass.files.writing import writing
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.lifting.stream import detected_poses
from poseglass.people.following import Follower
from poseglass.video.reading import VideoReader

POSE2SIM = Wheel("pose2sim==0.10.49", "403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1", 51)
SPORTS2D = Wheel("sports2d==0.8.34", "733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d", 9)

VIEWS = [f"Pose2Sim/Demo_SinglePerson/videos/cam0{number}.mp4" for number in (1, 2, 3, 4)]
TWO_PEOPLE = [f"Pose2Sim/Demo_MultiPerson/videos/cam0{number}.mp4" for number in (1, 2, 3, 4)]
CALIBRATION = "Pose2Sim/Demo_SinglePerson/calibration/Calib.qca.txt"
WALK = "Sports2D/Demo/demo.mp4"


def files(package: Wheel, members: list[str]) -> list[Path]:
    """The paths of a package's files in the cache, fetched if they are not there."""
    folder = cache_folder() / "videos" / package.requirement
    missing = [member for member in members if not (folder / member).exists()]
    if missing:
        print(f"fetching {package.requirement} ({package.megabytes} MB) into {folder}", file=sys.stderr)
        for member, content in package.read(missing).items():
            with writing(folder / member) as temporary:
                temporary.write_bytes(content)
    return [folder / member for member in members]


def keypoints(path: Path, detector: str) -> pg.PoseSequence:
    """The 2D keypoints of the most prominent person in a video, as lifting gets them."""
    with VideoReader(path) as video:
        info, follower = video.info, Follower()
        chunks = detected_poses(
            video, make_detector(detector), size=info.size, fps=info.fps, follower=follower, stopwatch=Stopwatch()
        )
        return concatenate(list(chunks))


def two_people(path: Path, size: str, first: ndarray) -> tuple[pg.PoseSequence, pg.PoseSequence]:
    """The 2D keypoints of two people in a video: of the one who is at `first`, and of the other.

    Args:
        path: The video.
        size: The size of MediaPipe's model.
        first: The first person's box in every frame, left, top, right, bottom (f 4). The last one holds on.
    """
    people = []
    with VideoReader(path) as video, MediaPipeDetector(size=size, people=2) as detector:
        info = video.info
        for number, frame in enumerate(video):
            left, top, right, bottom = first[min(number, len(first) - 1)]
            pair = np.zeros((2, 33, 3), np.float32)
            for person in detector.detect(frame.image, frame.seconds):
                x, y = np.median(person[:, :2], axis=0)
                pair[0 if left < x < right and top < y < bottom else 1] = person
            people.append(pair)
    both = np.stack(people, 1)  # 2 f j 3
    first_person, other = (
        pg.PoseSequence(one[..., :2], pg.BLAZEPOSE_33, "pixels", fps=info.fps, scores=one[..., 2], size=info.size)
        for one in both
    )
    return first_person, other
