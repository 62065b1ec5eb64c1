"""Documents of any content, made by hypothesis: readers and recipes raise poseglass's errors or nothing."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import poseglass as pg
from poseglass.errors import FormatError, PoseError, RecipeError, WeightsError
from poseglass.files.unpickler import INSTRUCTIONS
from poseglass.keypoints import read_people
from poseglass.weights.torch_file import TorchFile

KEYS = st.sampled_from([
    *("keypoints", "image_id", "idx", "box", "score", "people", "pose_keypoints_2d", "person_id", "data", "skeleton"),
    *("pose", "frame_index", "instances", "instance_info", "meta_info", "keypoint_id2name", "frame_id", "x", "y"),
    *("name", "nose", "format", "points", "fps", "size", "annotations", "images", "track_id", "bbox", "landmarks"),
])  # fmt: skip
NUMBERS = st.one_of(
    st.floats(), st.integers(), st.sampled_from([0, -1, 10**400, 1e308, 17, float("nan")]), st.integers(0, 1000)
)
LEAVES = st.one_of(NUMBERS, st.none(), st.booleans(), st.text(max_size=5), st.just([1.0, 2.0, 0.5] * 17))
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)
QUICK = settings(
    max_examples=40,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUICK
@given(document=DOCUMENTS)
def test_json_of_any_content(tmp_path: Path, document: object) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    with suppress(FormatError):
        read_people(path, layout="coco17")
    with suppress(PoseError):
        pg.PoseSequence.load(path)


SECTIONS = sorted(pg.Recipe().to_dict())
NAMES = sorted({name for section in pg.Recipe().to_dict().values() if isinstance(section, dict) for name in section})


@QUICK
@given(tree=st.dictionaries(st.sampled_from(SECTIONS), st.dictionaries(st.sampled_from(NAMES), LEAVES) | LEAVES))
def test_recipes_of_any_content(tree: dict[str, object]) -> None:
    with suppress(RecipeError):
        pg.Recipe().updated(tree)


HEADER = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}."
"""The three pickles before the content in a file that torch wrote before version 1.6."""
CODES = st.one_of(
    st.sampled_from([code for code in INSTRUCTIONS if len(code) == 1]),
    st.sampled_from([b"(", b")", b"]", b"}", b"N", b"K\x01", b"q\x01", b"h\x01", b"\x85", b"\x86", b"2", b"0", b"l"]),
    st.sampled_from([b"ccollections\nOrderedDict\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"X\x01\x00\x00\x00a"]),
    st.binary(max_size=3),
)


@QUICK
@given(codes=st.lists(CODES, max_size=40))
def test_pickles_of_any_instructions(tmp_path: Path, codes: list[bytes]) -> None:
    path = tmp_path / "x.pth"
    path.write_bytes(HEADER + b"".join(codes) + b".]q\x00.")
    with pytest.raises(WeightsError):
        pg.load(path)
    with suppress(WeightsError):
        TorchFile(path)
