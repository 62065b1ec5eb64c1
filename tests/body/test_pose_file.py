"""Several people in one JSON file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from poseglass import PoseSequence
from poseglass.body.pose_file import read_people_file, write_json
from poseglass.errors import PoseError


def test_several_people_in_one_file_are_read_back(walk: PoseSequence, tmp_path: Path) -> None:
    people = [replace(walk, person=number, points=walk.points + np.float32(number)) for number in (1, 2, 3)]
    write_json(people, tmp_path / "people.json")
    back = read_people_file(tmp_path / "people.json")
    assert [person.person for person in back] == [1, 2, 3]
    for person, expected in zip(back, people, strict=True):
        np.testing.assert_allclose(person.points, expected.points, atol=1e-6)
        assert_array_equal(person.validity, expected.validity)
        assert person.skeleton == expected.skeleton


def test_a_list_of_one_person_is_read_as_that_person(walk: PoseSequence, tmp_path: Path) -> None:
    write_json([walk], tmp_path / "people.json")
    assert len(PoseSequence.load(tmp_path / "people.json")) == len(walk)


@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_a_file_of_one_person_is_a_list_of_one(walk: PoseSequence, tmp_path: Path, suffix: str) -> None:
    (person,) = read_people_file(walk.save(tmp_path / f"walk.{suffix}"))
    assert len(person) == len(walk)


def test_one_person_cannot_be_loaded_from_a_file_of_several(walk: PoseSequence, tmp_path: Path) -> None:
    write_json([walk, walk], tmp_path / "both.json")
    with pytest.raises(PoseError, match=r"both.json holds 2 people; read them with .*read_people_file"):
        PoseSequence.load(tmp_path / "both.json")


def test_a_file_of_nobody_is_refused(tmp_path: Path) -> None:
    (tmp_path / "nobody.json").write_text('{"format": "poseglass people 1", "people": []}')
    with pytest.raises(PoseError, match=r"nobody\.json"):
        read_people_file(tmp_path / "nobody.json")
