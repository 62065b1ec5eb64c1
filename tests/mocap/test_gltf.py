"""GLB files: their parts, variants that other programs write, and files that cannot be read."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from poseglass.errors import FormatError
from poseglass.mocap.animation import Animation
from poseglass.mocap.gltf import read_glb, write_glb
from poseglass.mocap.mannequin import mannequin
from poseglass.mocap.rotations import axis_rotations
from samples.animations import random_animation


def parts(path: Path) -> tuple[dict, bytes]:
    """The JSON and the binary part of a file, split as the specification says."""
    content = path.read_bytes()
    size = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + size]), content[28 + size :]


def rewrite(path: Path, document: dict, binary: bytes) -> None:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body)


def array(document: dict, binary: bytes, index: int, shape: tuple[int, ...]) -> np.ndarray:
    view = document["bufferViews"][document["accessors"][index]["bufferView"]]
    start = view["byteOffset"]
    return np.frombuffer(binary[start : start + view["byteLength"]], "<f4").reshape(shape)


@pytest.fixture
def saved(tmp_path) -> tuple[Animation, Path]:
    animation = random_animation(7, joints=6, frames=9)
    write_glb(animation, tmp_path / "motion.glb")
    return animation, tmp_path / "motion.glb"


def test_the_file_has_a_node_and_a_rotation_per_joint_and_a_path_for_the_root(saved):
    animation, path = saved
    document, binary = parts(path)
    assert [node["name"] for node in document["nodes"]] == [*animation.names, "Body"]
    channels = document["animations"][0]["channels"]
    targets = [(channel["target"]["node"], channel["target"]["path"]) for channel in channels]
    assert targets == [*((joint, "rotation") for joint in range(6)), (0, "translation")]
    samplers = document["animations"][0]["samplers"]
    assert_allclose(array(document, binary, samplers[-1]["output"], (9, 3)), animation.root, atol=1e-6)
    assert_allclose(array(document, binary, samplers[0]["input"], (9,)), np.arange(9) / 44, atol=1e-7)
    x, y, z, w = array(document, binary, samplers[3]["output"], (9, 4)).T
    # The first column of the matrix of a quaternion, as any textbook has it.
    column = np.stack([1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w)], -1)
    assert_allclose(column, animation.rotations[:, 3, :, 0], atol=1e-6)


def test_the_body_stands_on_the_floor_in_the_rest_pose_and_its_matrices_undo_it(saved):
    animation, path = saved
    document, binary = parts(path)
    matrices = array(document, binary, document["skins"][0]["inverseBindMatrices"], (6, 4, 4)).swapaxes(1, 2)
    place = np.zeros((6, 3))
    for joint, parent in enumerate(animation.parents):
        place[joint] = np.array(document["nodes"][joint]["translation"]) + (place[parent] if parent >= 0 else 0)
    assert place[:, 1].min() == pytest.approx(0, abs=1e-12)
    assert_allclose(matrices[:, :3, :3], np.broadcast_to(np.eye(3), (6, 3, 3)))
    assert_allclose(matrices[:, :3, 3], -place, atol=1e-6)


def test_bounds_are_those_of_the_stored_numbers(saved):
    document, binary = parts(saved[1])
    position = document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    accessor = document["accessors"][position]
    stored = array(document, binary, position, (accessor["count"], 3))
    assert accessor["min"] == stored.min(0).astype(float).tolist()
    assert accessor["max"] == stored.max(0).astype(float).tolist()
    assert len(mannequin(saved[0]).vertices) == accessor["count"]


def test_nodes_above_the_root_turn_move_and_scale_it(saved):
    animation, path = saved
    document, binary = parts(path)
    quarter = [0, np.sqrt(0.5), 0, np.sqrt(0.5)]  # about y
    document["nodes"].append({"children": [0], "rotation": quarter, "scale": [0.01] * 3, "translation": [1, 2, 3]})
    document["scenes"][0]["nodes"][0] = len(document["nodes"]) - 1
    rewrite(path, document, binary)
    again = Animation.from_bones(read_glb(path))
    turn = axis_rotations("y", np.array([np.pi / 2]))[0]
    assert_allclose(again.positions, 0.01 * animation.positions @ turn.T + [1, 2, 3], atol=1e-6)


def test_keys_at_other_times_are_interpolated(saved):
    animation, path = saved
    document, binary = parts(path)
    samplers = document["animations"][0]["samplers"]

    def add(values: list) -> int:
        nonlocal binary
        data = np.array(values, "<f4")
        document["bufferViews"].append({"buffer": 0, "byteOffset": len(binary), "byteLength": data.nbytes})
        kind = {1: "SCALAR", 2: f"VEC{data.shape[-1]}"}[data.ndim]
        view = len(document["bufferViews"]) - 1
        document["accessors"].append(
            {"bufferView": view, "componentType": 5126, "count": len(data), "type": kind, "byteOffset": 0}
        )
        binary += data.tobytes()
        return len(document["accessors"]) - 1

    times = add([0, 4 / 44])
    half = np.sqrt(0.5)
    samplers[0] = {"input": times, "output": add([[0, 0, 0, 1], [0, 0, half, half]])}  # a quarter turn about z
    samplers[1] = {"input": times, "output": add([[0, 0, 0, 1], [1, 0, 0, 0]]), "interpolation": "STEP"}
    samplers[-1] = {"input": times, "output": add([[0, 0, 0], [4, 0, 0]])}
    rewrite(path, document, binary)
    again = Animation.from_bones(read_glb(path))
    assert_allclose(again.root[:, 0], np.minimum(np.arange(9), 4), atol=1e-5)
    degrees = np.degrees(np.arctan2(again.rotations[:, 0, 1, 0], again.rotations[:, 0, 0, 0]))
    assert_allclose(degrees, 22.5 * np.minimum(np.arange(9), 4), atol=1e-4)
    assert_allclose(again.rotations[:, 1, 1, 1], [1] * 4 + [-1] * 5, atol=1e-6)
    assert_allclose(again.rotations[:, 2], animation.rotations[:, 2], atol=1e-6)


def test_without_a_stated_rate_it_is_that_of_the_times(saved):
    document, binary = parts(saved[1])
    del document["animations"][0]["extras"]
    rewrite(saved[1], document, binary)
    assert read_glb(saved[1]).fps == 44


def test_joints_without_channels_keep_their_rest(saved):
    animation, path = saved
    document, binary = parts(path)
    document["animations"][0]["channels"] = document["animations"][0]["channels"][-1:]
    rewrite(path, document, binary)
    still = replace(animation, rotations=np.broadcast_to(np.eye(3), animation.rotations.shape))
    assert_allclose(Animation.from_bones(read_glb(path)).positions, still.positions, atol=1e-5)


BROKEN = {
    "expected a skin and an animation": lambda document: document.pop("skins"),
    "animation, and one of them is missing": lambda document: document.update(animations=[]),
    "expected one tree of joints, got 2": lambda document: document["nodes"][0].update(children=[]),
    "has a matrix or a scale": lambda document: document["nodes"][2].update(scale=[2, 2, 2]),
    "linear interpolation or steps, got CUBIC": lambda document: document["animations"][0]["samplers"][2].update(
        interpolation="CUBICSPLINE"
    ),
    "sparse arrays": lambda document: document["accessors"][-1].update(sparse={}),
    "cannot be read as GLB .KeyError": lambda document: document.pop("nodes"),
    "cannot be read as GLB .IndexError": lambda document: document["animations"][0]["channels"][0].update(sampler=99),
}


@pytest.mark.parametrize("message", BROKEN)
def test_other_files_are_refused(saved, message):
    document, binary = parts(saved[1])
    BROKEN[message](document)
    rewrite(saved[1], document, binary)
    with pytest.raises(FormatError, match=rf"motion\.glb.*{message}"):
        read_glb(saved[1])


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9])
def test_a_truncated_file_is_refused(saved, share):
    content = saved[1].read_bytes()
    saved[1].write_bytes(content[: int(share * len(content))])
    with pytest.raises(FormatError, match=r"motion\.glb"):
        read_glb(saved[1])


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FormatError, match="there is no file"):
        read_glb(tmp_path / "nothing.glb")


def many_keys(document, number):
    """Another channel, whose times are at the same place in the file as others."""
    document["accessors"].append(document["accessors"][0] | {"count": 200_000})
    animation = document["animations"][0]
    animation["channels"].append({"sampler": len(animation["samplers"]), "target": {"node": number, "path": "scale"}})
    animation["samplers"].append({"input": len(document["accessors"]) - 1, "output": 0})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document["accessors"][0].update(count=10**9), "expected at most 25,000,000 keys"),
        (
            lambda document: document["bufferViews"][document["accessors"][0]["bufferView"]].update(byteStride=0),
            "leads beyond the end of the file",
        ),
        (lambda document: [many_keys(document, number) for number in range(200)], "expected at most 25,000,000 keys"),
        (lambda document: document["skins"][0].update(joints=[0] * 3000), "expected at most 2000 joints, got 3000"),
        (lambda document: document["nodes"][1].update(children=[0]), "motion.glb"),  # a circle of nodes
    ],
)
def test_claims_that_would_take_all_time_and_memory_are_refused(saved, change, message):
    document, binary = parts(saved[1])
    times = document["animations"][0]["samplers"][0]["input"]
    document["accessors"].insert(0, document["accessors"][times])
    for sampler in document["animations"][0]["samplers"]:
        sampler |= {"input": 0, "output": sampler["output"] + 1}
    change(document)
    rewrite(saved[1], document, binary)
    with pytest.raises(FormatError, match=message):
        read_glb(saved[1])
