"""Real videos to judge on, from packages on the index: fetched once into the cache, their hash checked.

Pose2Sim carries one recording with several views: a man who balances on one leg, filmed by four calibrated cameras
(60 fps, 100 frames). Its videos of two people are the same recording with a rendered woman beside him. MediaPipe full
finds her in 64, 99, 0 and 48 frames of the four, so they are left out. Sports2D has one view of a walk. Both packages
are under the BSD licence. We know of no other package with several views of a person.
"""

import sys
from pathlib import Path

import poseglass as pg
from poseglass.detect import make_detector
from poseglass.detect.packages import Wheel
from poseglass.files.cache import cache_folder
from poseglass.files.writing import writing
from poseglass.lifting.clip_people import ClipPeople
from poseglass.lifting.stopwatch import Stopwatch
from poseglass.lifting.stream import Film, detected_people
from poseglass.video.reading import VideoReader

POSE2SIM = Wheel("pose2sim==0.10.49", "403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1", 51)
SPORTS2D = Wheel("sports2d==0.8.34", "733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d", 9)

VIEWS = [f"Pose2Sim/Demo_SinglePerson/videos/cam0{number}.mp4" for number in (1, 2, 3, 4)]
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
    finder = make_detector(detector)
    with VideoReader(path) as video:
        people = ClipPeople(Film(finder.skeleton, video.info.size, video.info.fps))
        for crowds in detected_people(video, finder, stopwatch=Stopwatch()):
            people.add(crowds)
    return people.poses(people.ranked()[0])
