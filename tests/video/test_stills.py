"""A few frames at full size, evenly spread."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poseglass.video.reading import Frame
from poseglass.video.stills import MOST, Stills

pytest.importorskip("cv2")


def kept(times: list[float], fps: float = 30.0) -> Stills:
    stills = Stills(fps)
    for seconds in times:
        stills.add(Frame(np.full((2, 2, 3), round(seconds * fps) % 256, np.uint8), seconds))
    return stills


def test_every_frame_of_a_short_video_is_kept() -> None:
    assert kept([t / 30 for t in range(MOST)]).frames == list(range(MOST))


@pytest.mark.parametrize("frames", [51, 230, 999])
def test_stills_are_evenly_spread(frames: int) -> None:
    numbers = kept([t / 30 for t in range(frames)]).frames
    assert MOST / 2 <= len(numbers) <= MOST
    assert numbers[0] == 0
    assert len(set(np.diff(numbers))) == 1
    assert frames - numbers[-1] <= np.diff(numbers)[0]


def test_the_picture_belongs_to_its_frame() -> None:
    stills = kept([t / 30 for t in range(200)])
    for frame in stills.frames:
        assert stills.image(frame).mean() == pytest.approx(frame, abs=1)
    with pytest.raises(KeyError):
        stills.image(1)


@settings(max_examples=15)
@given(st.integers(1, 300), st.integers(0, 9), st.sampled_from([0.04, 1.0]))
def test_the_order_of_the_frames_does_not_matter(frames: int, seed: int, jitter: float) -> None:
    chance = random.Random(seed)
    times = sorted({round(t / 30 + chance.random() * jitter, 6) for t in range(frames)})
    shuffled = [*times, *times[:3]]
    chance.shuffle(shuffled)
    first, second = kept(times), kept(shuffled)
    assert first.frames == second.frames
    assert all((first.image(t) == second.image(t)).all() for t in first.frames[:3])
