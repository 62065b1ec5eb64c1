"""Pictures waiting to be drawn take little memory and come out in order."""

import numpy as np
import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")
from poseglass.show.rendering.pictures import PLAIN, WaitingPictures


def test_pictures_come_out_in_order_in_their_colours() -> None:
    pictures = WaitingPictures((320, 180))
    colours = np.random.default_rng(0).integers(0, 256, (PLAIN + 20, 3))
    for colour in colours:
        pictures.put(np.full((720, 1280, 3), colour, np.uint8))
    sizes = {picture.nbytes for picture in list(pictures._waiting)[:PLAIN]}
    assert sizes == {320 * 180 * 3 // 2}
    assert max(picture.nbytes for picture in list(pictures._waiting)[PLAIN:]) < 320 * 180 / 5
    for colour in colours:
        assert np.abs(pictures.take().astype(int).mean((0, 1)) - colour).max() < 4
    assert not len(pictures)


def test_smaller_pictures_keep_the_positions_of_colours() -> None:
    pictures, image = WaitingPictures((64, 48)), np.zeros((480, 640, 3), np.uint8)
    image[:240, :320] = 255, 0, 0
    image[240:, 320:] = 0, 255, 0
    pictures.put(image)
    small = pictures.take().astype(int)
    assert np.abs(small[2:20, 2:28] - [255, 0, 0]).max() < 8
    assert np.abs(small[28:46, 36:62] - [0, 255, 0]).max() < 8


@pytest.mark.parametrize(
    ("size", "even"), [((65, 47), (66, 48)), ((65, 48), (66, 48)), ((64, 47), (64, 48)), ((1, 1), (2, 2))]
)
def test_odd_side_lengths_grow_by_one(size: tuple[int, int], even: tuple[int, int]) -> None:
    pictures = WaitingPictures(size)
    pictures.put(np.full((100, 100, 3), 90, np.uint8))
    assert pictures.take().shape == (even[1], even[0], 3)
