"""Human3.6M preparation against OpenCV and plain formulas; every kind of faulty file is named."""

import json
import os
import re
import subprocess
import sys
import tarfile
import textwrap
import tracemalloc
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from poseglass.data.h36m.facts import SUBJECTS, action_of, cameras, take_name
from poseglass.data.h36m.prepare import prepare_h36m
from poseglass.data.recordings.store import Recordings
from poseglass.data.synthetic.generate import generate
from poseglass.errors import DataError
from poseglass.files.pickled import read_objects
from samples.archives import unpack

KEPT = [joint for joint in range(32) if joint not in (4, 5, 9, 10, 11, 16, 20, 21, 22, 23, 24, 28, 29, 30, 31)]
MOTION, TRUE, CPN = "data_3d_h36m.npz", "data_2d_h36m_gt.npz", "data_2d_h36m_cpn_ft_h36m_dbb.npz"
TABLE = json.loads((Path(sys.modules[cameras.__module__].__file__ or "").parent / "cameras.json").read_text())
FRAMES = 12


@pytest.fixture(scope="module")
def download(tmp_path_factory):
    folder = tmp_path_factory.mktemp("download")
    generate("h36m", folder, frames=FRAMES, subjects=["S1", "S11"])
    return folder


@pytest.fixture
def copy(download, tmp_path):
    """A copy of the download, and a function that damages it."""
    folder = tmp_path / "source"
    folder.mkdir()
    for path in download.iterdir():
        os.link(path, folder / path.name)

    def change(name, damage):
        member = "positions_3d" if name == MOTION else "positions_2d"
        content = read_objects(folder / name, member)
        damage(content)
        (folder / name).unlink()
        np.savez(folder / name, **{member: np.array(content, object)})
        return folder

    return SimpleNamespace(folder=folder, change=change)


def by_hand(world, subject, number):
    """World points in a camera's space, from the published numbers and q* v q with the quaternion q."""
    outside = TABLE["extrinsics"][subject][number]
    w, *axis = outside["orientation"]
    axis, place = -np.array(axis), np.array(outside["translation"]) / 1000
    result = np.empty_like(world)
    for index in np.ndindex(world.shape[:-1]):
        v = world[index] - place
        result[index] = v + 2 * np.cross(axis, np.cross(axis, v) + w * v)
    return result


@pytest.mark.parametrize(("subject", "number"), [*product(SUBJECTS, range(4))])
def test_cameras_project_as_opencv_does(subject, number):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(number)
    world = rng.uniform([-1, -1, 0], [1, 1, 1.8], (20, 3))
    name, camera, (width, height) = cameras(subject)[number]
    points = by_hand(world, subject, number)
    assert_allclose(camera.to_camera(world), points, atol=1e-6)  # the quaternions are float32
    inside = TABLE["intrinsics"][number]
    (fx, fy), (cx, cy) = inside["focal_length"], inside["center"]
    k1, k2, k3 = inside["radial_distortion"]
    lens = np.array([k1, k2, *inside["tangential_distortion"], k3])
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    pixels, _ = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, lens)
    # OpenCV orders the tangential coefficients as the data set does.
    assert_allclose(camera.project(points), pixels[:, 0], atol=1e-6)
    assert (points[:, 2] > 2).all()
    assert (name, (width, height)) == (inside["id"], (inside["res_w"], inside["res_h"]))
    middle = camera.project(camera.to_camera(np.array([[0.0, 0.0, 0.9]])))[0]
    assert np.abs(middle - 500).max() < 200  # all four look at the middle of the room


def test_camera_parameters_match_the_published_numbers():
    """For a few numbers copied by hand."""
    assert TABLE["intrinsics"][0]["focal_length"] == [1145.0494384765625, 1143.7811279296875]
    assert TABLE["extrinsics"]["S1"][0]["translation"] == [1841.1070556640625, 4955.28466796875, 1563.4454345703125]
    assert [c.name for c in cameras("S5")] == ["54138969", "55011271", "58860488", "60457274"]
    assert [c.size for c in cameras("S5")] == [(1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002)]
    with pytest.raises(DataError, match="no subject 'S2' with 3D poses; choose one of S1, S5, S6, S7, S8, S9, S11"):
        cameras("S2")


def test_take_names_match_as_a_whole():
    assert [*map(take_name, ("Walking", "Walking 1", "WalkingDog", "WalkDog 1", "TakingPhoto 2"))] == [
        *("Walking", "Walking 1", "WalkDog", "WalkDog 1", "Photo 2")
    ]
    assert action_of("WalkTogether 1") == "WalkTogether"
    for wrong in ("WalkingCat", "Walk", "Walking 1 2", "walking", "Walking ", "Walking1", "", " 1"):
        with pytest.raises(DataError, match="no action"):
            take_name(wrong)


def test_the_npz_files_of_the_field_are_prepared(download, tmp_path):
    report = prepare_h36m(download, tmp_path / "h36m")
    recordings = Recordings.open(tmp_path / "h36m", verify=True)
    assert recordings.fingerprint == report.recordings.fingerprint
    assert (len(recordings), recordings.frames) == (59 * 4, 59 * 4 * FRAMES)
    assert set(recordings.sources) == {"gt", "cpn"}
    world, true, detected = (
        read_objects(download / name, member)
        for name, member in ((MOTION, "positions_3d"), (TRUE, "positions_2d"), (CPN, "positions_2d"))
    )
    for recording in recordings:
        number = [c["id"] for c in TABLE["intrinsics"]].index(recording.camera)
        subject, take = recording.subject, recording.take
        assert_array_equal(recording.points2d("gt"), true[subject][take][number])
        assert_array_equal(recording.points2d("cpn"), detected[subject][take][number][:FRAMES])  # cut to the 3D poses
        assert (recording.action, recording.fps) == (take.split()[0], 50)
        assert recording.valid.all()
    for recording in recordings.split(actions=["WalkDog"], subjects=["S11"]):
        number = [c["id"] for c in TABLE["intrinsics"]].index(recording.camera)
        points = by_hand(world["S11"][recording.take][:, KEPT].astype(float), "S11", number)
        assert_allclose(recording.points3d, points, atol=1e-6)
    assert {file["file"] for file in recordings.provenance["from"]} == {MOTION, TRUE, CPN}
    for words in ("S11            29         116       1,392", "missing:\n  S5: all takes", "warnings: none", "cpn: "):
        assert words in str(report)


def test_the_original_archives_give_the_same_recordings(download, tmp_path):
    originals = tmp_path / "original"
    generate("h36m-cdf", originals, frames=FRAMES, subjects=["S1", "S11"])
    for name in (TRUE, CPN):
        os.link(download / name, originals / name)
    report = prepare_h36m(originals, tmp_path / "one")
    field = prepare_h36m(download, tmp_path / "two").recordings
    assert [str(f) for f in report.findings.warnings] == [
        "warning: S11 Directions: left out, because its motion capture is broken"
    ]
    one, two = ({r.name: r for r in recordings} for recordings in (report.recordings, field))
    assert one.keys() == two.keys()
    for name, recording in one.items():
        assert_allclose(recording.points3d, two[name].points3d, atol=1e-6)
    # Unpacked archives are read too.
    for path in originals.glob("*.tgz"):
        unpack(path, tmp_path / "unpacked")
    unpacked = prepare_h36m(tmp_path / "unpacked", tmp_path / "three").recordings
    assert unpacked.sources == ("gt",)
    assert {r.name for r in unpacked} == one.keys()


def test_2d_poses_are_projected_if_no_file_has_them(download, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    os.link(download / MOTION, source / MOTION)
    recordings = prepare_h36m(source, tmp_path / "h36m").recordings
    true = read_objects(download / TRUE, "positions_2d")
    for recording in recordings:
        number = [c["id"] for c in TABLE["intrinsics"]].index(recording.camera)
        assert_allclose(recording.points2d("gt"), true[recording.subject][recording.take][number], atol=2e-3)


def test_missing_and_unusual_takes_are_reported(copy, tmp_path):
    def fewer(world):
        del world["S1"]["Walking"]
        world["S1"]["Eating 3"] = world["S1"]["Eating"]

    def surplus(poses):
        poses["S1"]["Eating 3"] = poses["S1"]["Eating"]

    for name in (TRUE, CPN):
        copy.change(name, surplus)
    copy.change(CPN, lambda poses: poses["S1"].update({"Posing": [view + 30 for view in poses["S1"]["Posing"]]}))
    findings = prepare_h36m(copy.change(MOTION, fewer), tmp_path / "h36m").findings
    assert "missing: S1 Walking: 1 of 2 takes" in str(findings)
    assert "warning: S1 Eating: 3 takes instead of 2" in str(findings)
    assert f"warning: {CPN}: 1 take without 3D poses: S1 Walking" in str(findings)
    assert len(re.findall(r"warning: S1 Posing, camera \d+: cpn is 4\d pixels", str(findings))) == 4


def test_motion_capture_that_slipped_gives_a_warning(copy, tmp_path):
    """In some takes of S9, the poses lie beside the person in the image. The field still uses them."""

    def slip(poses):
        poses["S1"]["Posing"] = [np.add(view, (120, -40)) for view in poses["S1"]["Posing"]]

    findings = prepare_h36m(copy.change(CPN, slip), tmp_path / "h36m").findings
    assert len(re.findall(r"warning: S1 Posing, camera \d+: cpn is 12\d pixels", str(findings))) == 4


def put(subject, take, change):
    return lambda content: content[subject].update({take: change(content[subject][take])})


def nan(points):
    points = points.copy()
    points[7, 3] = np.nan
    return points


def swapped(views):
    return [views[1], views[0], *views[2:]]


WRONG = {
    "2D of a subject": (CPN, lambda c: c.pop("S11"), "no 2D poses of S11, but there are 3D poses"),
    "2D of a take": (CPN, lambda c: c["S1"].pop("Posing 1"), "no 2D poses of S1 Posing 1"),
    "a camera": (TRUE, put("S1", "Eating", lambda v: v[:3]), "S1 Eating has 3 cameras instead of 4"),
    "frames": (
        CPN,
        put("S11", "Photo", lambda v: [*v[:2], v[2][:9], v[3]]),
        "S11 Photo, camera 2: there are 9 frames of 2D poses but 12 of 3D poses",
    ),
    "NaN in 2D": (
        CPN,
        put("S1", "Sitting", lambda v: [nan(v[0]), *v[1:]]),
        "S1 Sitting, camera 0: 1 of 12 frames are not finite, the first is frame 7",
    ),
    "NaN in 3D": (MOTION, put("S1", "Sitting", nan), "3D poses of S1 Sitting: 1 of 12 frames are not finite"),
    "an action": (
        MOTION,
        lambda c: c["S1"].update(Dancing=c["S1"]["Eating"]),
        "no action 'Dancing'; expected one of Dir",
    ),
    "an action of 2D": (CPN, lambda c: c["S1"].update(Dancing=[]), r"S1: Human3.6M has no action 'Dancing'"),
    "a subject": (MOTION, lambda c: c.update(S12={"Eating": c["S1"]["Eating"]}), "no subject 'S12'"),
    "17 joints": (MOTION, put("S1", "Eating", lambda p: p[:, :17]), r"must be \(frames, 32, 3\), got \(12, 17, 3\)"),
    "millimetres": (MOTION, put("S1", "Eating", lambda p: p * 1000), "S1 Eating: the joints are in another order or"),
    "joints": (MOTION, put("S1", "Eating", lambda p: p[:, ::-1]), "S1 Eating: the joints are in another order or"),
    "joints of 2D": (
        CPN,
        put("S1", "Eating", lambda v: [x[:, :16] for x in v]),
        r"S1 Eating, camera 0: .*expected .*, got \(1[2-4], 16, 2\)",
    ),
    "cameras": (
        TRUE,
        put("S1", "Eating", swapped),
        "the 2D poses 'gt' are .* pixels .*; check that the cameras, takes and joints",
    ),
    "cameras seen": (CPN, put("S1", "Eating", swapped), "the 2D poses 'cpn' are .* pixels"),
    "left and right": (
        TRUE,
        put(
            "S1",
            "Directions",
            lambda v: [x[:, [0, 4, 5, 6, 1, 2, 3, *range(7, 11), 14, 15, 16, 11, 12, 13]] for x in v],
        ),
        "the 2D poses 'gt' are .* pixels",
    ),
    "text": (
        MOTION,
        put("S1", "Eating", lambda p: p.astype(str)),
        "S1 Eating: expected an array of numbers, got <U",
    ),
    "text of 2D": (
        CPN,
        put("S1", "Eating", lambda v: [*v[:3], "x"]),
        "S1 Eating, camera 3: expected an array of numbers, got <U1",
    ),
    "unequal rows": (
        MOTION,
        put("S1", "Eating", lambda p: [[1, 2], [3]]),
        "S1 Eating: expected an array of numbers",
    ),
    "no views": (
        CPN,
        put("S1", "Eating", lambda v: None),
        "S1 Eating must be a list with one array per camera, got None",
    ),
    "another thing": (MOTION, lambda c: c.update(S1=[1]), "must be a dictionary of subjects"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_faults_are_named_and_nothing_is_written(copy, tmp_path, fault):
    name, damage, words = WRONG[fault]
    with pytest.raises(DataError, match=words):
        prepare_h36m(copy.change(name, damage), tmp_path / "h36m")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


@pytest.mark.parametrize("name", [MOTION, TRUE])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_an_incomplete_npz_is_refused(copy, tmp_path, name, share):
    path = copy.folder / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=rf"{name}: .*was it downloaded whole"):
        prepare_h36m(copy.folder, tmp_path / "h36m")
    assert not (tmp_path / "h36m").exists()


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return generate("h36m-cdf", tmp_path_factory.mktemp("cdf"), frames=5, subjects=["S9"])[0]


def pack(path, name, content=b"nothing"):
    file = path.parent / "file"
    file.write_bytes(content)
    with tarfile.open(path, "w:gz") as archive:
        archive.add(file, name)


def test_an_incomplete_archive_is_refused(archive, tmp_path):
    path = tmp_path / "source" / archive.name
    path.parent.mkdir()
    content = archive.read_bytes()
    for length in (0, 5, len(content) // 2, len(content) - 30, len(content) - 4):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"S9.tgz cannot be read .* was it downloaded whole"):
            prepare_h36m(path.parent, tmp_path / "h36m")
    middle = bytearray(content)
    middle[len(content) // 2] ^= 255
    path.write_bytes(middle)
    with pytest.raises(DataError):  # from the wrong byte itself or from the checksum at the end
        prepare_h36m(path.parent, tmp_path / "h36m")
    folder = "S9/MyPoseFeatures/D3_Positions"
    for name, words in (
        ("S9/readme.txt", "remove this archive"),
        (f"{folder}/Walking 1.cdf", r"S9 Walking 1.cdf cannot be read \(.*download its archive again"),
        (f"{folder}/Dancing.cdf", r"S9 Dancing.cdf: Human3.6M has no action 'Dancing'"),
        ("S3/MyPoseFeatures/D3_Positions/Walking.cdf", "no subject 'S3'"),
    ):
        pack(path, name)
        with pytest.raises(DataError, match=words):
            prepare_h36m(path.parent, tmp_path / "h36m")
    assert [p.name for p in tmp_path.iterdir()] == ["source"]


def test_folders_without_the_data_set_are_refused(tmp_path, download):
    with pytest.raises(DataError, match="there is no folder"):
        prepare_h36m(tmp_path / "nowhere", tmp_path / "h36m")
    with pytest.raises(DataError, match=r"has no Human3.6M: expected data_3d_h36m.npz, Poses_D3_Positions"):
        prepare_h36m(tmp_path, tmp_path / "h36m")
    with pytest.raises(DataError, match="exists and is not empty"):
        prepare_h36m(download, download)


def test_a_full_disk_leaves_nothing(download, tmp_path):
    script = f"""
    import resource
    from poseglass.data.h36m.prepare import prepare_h36m
    from poseglass.errors import DataError
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    try:
        prepare_h36m({str(download)!r}, {str(tmp_path / "h36m")!r})
    except DataError as problem:
        print(problem)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert "h36m: File too large; nothing was left behind. Free some space" in done.stdout, done.stderr
    assert not [*tmp_path.iterdir()]


def test_archives_are_read_one_take_at_a_time(tmp_path):
    """One take at a time is in memory."""
    generate("h36m-cdf", tmp_path / "source", frames=1500, subjects=["S1", "S5"])
    tracemalloc.start()
    recordings = prepare_h36m(tmp_path / "source", tmp_path / "h36m").recordings
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert recordings.frames == 60 * 4 * 1500
    assert peak < 15e6  # all 60 takes are 37 MB before projection
