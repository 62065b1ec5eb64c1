"""C3D files of every processor, and of programs that contradict themselves; all hold the same points."""

import struct

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.c3d_points import parse_c3d
from samples import c3d_files, motion_files


@pytest.fixture
def points():
    points = motion_files.people(60)
    points[3:5, 6] = np.nan
    return points


def words(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


VARIANTS = {
    "as described": {},
    "DEC": {"processor": "DEC"},
    "MIPS": {"processor": "MIPS"},
    "scaled integers": {"step": 0.1},
    "scaled integers of DEC": {"step": 0.1, "processor": "DEC"},
    "scaled integers of MIPS": {"step": 0.1, "processor": "MIPS"},
    "frames from 0": {"first": 0},
    "frames from 4000": {"first": 4000},
    "analog samples": {"analog": (5, 4, 20)},
    "analog channels instead of samples": {
        "analog": (5, 4, 5),
        "extra": (("ANALOG:USED", 2, [], words(5)),),
    },
    "an empty parameter": {"extra": (("FORCE_PLATFORM:ORIGIN", 4, [3, 0], b""),)},
    "a parameter twice": {"extra": (("SUBJECT:MASS", 2, [], words(70)),) * 2},
    "a trial in an array of two by one": {
        "extra": (
            ("TRIAL:ACTUAL_START_FIELD", 2, [2, 1], words(1, 0)),
            ("TRIAL:ACTUAL_END_FIELD", 2, [2, 1], words(60, 0)),
        )
    },
    "a trial in floats": {
        "extra": (
            ("TRIAL:ACTUAL_START_FIELD", 4, [], struct.pack("<f", 1)),
            ("TRIAL:ACTUAL_END_FIELD", 4, [1, 1], struct.pack("<f", 60)),
        )
    },
    "a trial of nonsense": {
        "extra": (
            ("TRIAL:ACTUAL_START_FIELD", -1, [2], b"a "),
            ("TRIAL:ACTUAL_END_FIELD", 4, [], struct.pack("<f", np.nan)),
        )
    },
    "a trial longer than the file": {
        "extra": (
            ("TRIAL:ACTUAL_START_FIELD", 2, [2], words(1, 0)),
            ("TRIAL:ACTUAL_END_FIELD", 2, [2], words(0, 16)),
        )
    },
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_points_are_the_same_in_every_variant(tmp_path, points, variant):
    options = VARIANTS[variant]
    content = c3d_files.write_c3d(tmp_path / "walk.c3d", points, **options).read_bytes()
    parsed = parse_c3d(content)
    assert parsed.samples.shape == (60, 17, 4)
    known = parsed.samples[..., 3] >= 0
    assert np.argwhere(~known).tolist() == [[3, 6], [4, 6]]
    tolerance = 0.06 if "step" in options else 1e-3
    assert_allclose(parsed.samples[known][:, :3] / 1000, points[known], atol=tolerance / 1000)
    assert (parsed.labels, parsed.fps, parsed.unit, parsed.notes) == (motion_files.NAMES, 50, "mm", ())


def test_more_frames_than_16_bits_can_count(tmp_path):
    """Whether something counts them or not."""
    points = np.zeros((70_000, 1, 3))
    points[:, 0, 0] = np.arange(70_000) / 1000
    long = ("POINT:LONG_FRAMES", 4, [], struct.pack("<f", 70_000))
    trial = (
        ("TRIAL:ACTUAL_START_FIELD", 2, [2], words(1, 0)),
        ("TRIAL:ACTUAL_END_FIELD", 2, [2], words(70_000 - 65536, 1)),
    )
    for extra in ((), (long,), trial):
        path = c3d_files.write_c3d(tmp_path / "long.c3d", points, names=["hip"], extra=extra)
        samples = parse_c3d(path.read_bytes()).samples
        assert len(samples) - 70_000 in ((0,) if extra else range(32))  # without a count, the last block is full
        assert_allclose(samples[:70_000, 0, 0], np.arange(70_000))


def test_one_missing_frame_is_noted_and_two_are_an_error(tmp_path, points):
    def cut(frames: int) -> bytes:
        content = c3d_files.write_c3d(tmp_path / "walk.c3d", points).read_bytes()
        (start,) = struct.unpack_from("<H", content, 16)
        return content[: 512 * (start - 1) + 17 * 16 * frames]

    assert parse_c3d(cut(59)).notes == ("it announces 60 frames, and holds 59",)
    assert len(parse_c3d(cut(59)).samples) == 59
    with pytest.raises(FormatError, match="expected 60 frames, as it announces, got 58; was the file cut off"):
        parse_c3d(cut(58))


def test_the_smaller_count_is_used_if_the_file_was_cropped(tmp_path, points):
    content = bytearray(c3d_files.write_c3d(tmp_path / "walk.c3d", points).read_bytes())
    struct.pack_into("<H", content, 8, 1149)  # the header still counts the whole recording
    assert len(parse_c3d(bytes(content)).samples) == 60


BROKEN = {
    "expected at least 512 bytes, got 9": lambda content: content[:9],
    "expected 80 as the second byte, got 81": lambda content: b"\x02\x51" + content[2:],
    "the parameters are missing": lambda content: b"\x00" + content[1:],
    "it has no points": lambda content: content[:2] + words(0) + content[4:].replace(b"USED", b"UZED"),
    "expected 99 points, as the header says, got 17": lambda content: content[:2] + words(99) + content[4:],
    "it announces no frames": lambda content: content[:6] + words(9, 8) + content[10:].replace(b"FRAMES", b"FRAMEZ"),
    "got 0; was the file cut off?": lambda content: content[:16] + words(60000) + content[18:],
}


@pytest.mark.parametrize("message", BROKEN)
def test_broken_files_are_refused_in_a_sentence(tmp_path, points, message):
    content = c3d_files.write_c3d(tmp_path / "walk.c3d", points).read_bytes()
    with pytest.raises(FormatError) as caught:
        parse_c3d(BROKEN[message](content))
    assert message in str(caught.value)


def test_any_bytes_give_points_or_a_sentence(tmp_path, points):
    content = c3d_files.write_c3d(tmp_path / "walk.c3d", points[:4]).read_bytes()
    random = np.random.default_rng(0)
    for _ in range(400):
        changed = bytearray(content)
        for place in random.integers(0, 1500, 6):
            changed[place] = random.integers(256)
        try:
            parsed = parse_c3d(bytes(changed))
        except FormatError:
            continue
        assert parsed.samples.size <= len(content)
