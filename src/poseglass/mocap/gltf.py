"""Reader and writer of GLB, the binary form of glTF 2.0, for skeletons in motion.

Source: Khronos Group, "glTF 2.0 Specification".
"""

import json
import struct
from collections.abc import Collection
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from poseglass.errors import FormatError, PoseError
from poseglass.files.writing import writing
from poseglass.mocap.animation import END_SITE, Animation
from poseglass.mocap.mannequin import mannequin, rest_positions
from poseglass.mocap.rigid import MOST_POSES, RigidMotion
from poseglass.mocap.rotations import quaternion_rotations, quaternions
from poseglass.mocap.text import read_content
from poseglass.mocap.tracks import frame_rate

__all__ = ["read_glb", "write_glb"]

MAGIC, JSON_CHUNK, BIN_CHUNK = b"glTF", b"JSON", b"BIN\0"
DTYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}  # by glTF's componentType
COMPONENTS = {"u2": 5123, "u4": 5125, "f4": 5126}
SHAPES: dict[str, tuple[int, ...]] = {"SCALAR": (), "VEC3": (3,), "VEC4": (4,), "MAT4": (4, 4)}
VERTICES, INDICES = 34962, 34963  # what a bufferView holds: glTF's target
COLOUR = (0.42, 0.55, 0.72, 1.0)  # of the body
MOST_JOINTS = 2000  # searched in a time that grows with their square
UNIFORM = 1e-3  # scales along x, y and z may differ by this share


def write_glb(animation: Animation, path: str | PathLike[str]) -> None:
    """Write a GLB file: a node per joint, a light body with a skin, and one animation with a key per frame.

    glTF is in metres, with y up. Without the animation, the body stands in its rest pose on the floor.
    ``Animation.from_bones(read_glb(path))`` gives the animation back.

    Args:
        animation: The motion.
        path: The file. It is written completely or not at all.

    Raises:
        PoseError: The file cannot be written.

    Example:
        >>> import numpy as np
        >>> rest, still = np.array([[0, 0, 0], [0, 0.4, 0]]), np.tile(np.eye(3), (9, 2, 1, 1))
        >>> write_glb(Animation(("Hips", "Head"), (-1, 0), rest, still, np.ones((9, 3)), fps=30), "body.glb")
        >>> read_glb("body.glb").joint("Hips")[0].tolist()
        [1.0, 1.0, 1.0]
    """
    buffer = _Buffer()
    joints = len(animation.names)
    nodes: list[dict[str, Any]] = []
    positions = rest_positions(animation)
    for joint, name in enumerate(animation.names):
        node = {"name": name, "translation": (animation.rest[joint] if joint else positions[0]).tolist()}
        if children := [child for child, parent in enumerate(animation.parents) if parent == joint]:
            node["children"] = children
        nodes.append(node)
    mesh = mannequin(animation)
    weights, indices = np.zeros((len(mesh.joints), 4)), np.zeros((len(mesh.joints), 4), int)
    weights[:, 0], indices[:, 0] = 1, mesh.joints
    attributes = {
        "POSITION": buffer.add(mesh.vertices, "VEC3", target=VERTICES, bounds=True),
        "NORMAL": buffer.add(mesh.normals, "VEC3", target=VERTICES),
        "JOINTS_0": buffer.add(indices, "VEC4", "u2", target=VERTICES),
        "WEIGHTS_0": buffer.add(weights, "VEC4", target=VERTICES),
    }
    triangles = buffer.add(mesh.triangles.ravel(), "SCALAR", "u4", target=INDICES)
    inverse = np.tile(np.eye(4), (joints, 1, 1))
    inverse[:, 3, :3] = -positions  # glTF stores matrices column by column
    surface = {"baseColorFactor": COLOUR, "metallicFactor": 0, "roughnessFactor": 0.8}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "poseglass"},
        "scene": 0,
        "scenes": [{"nodes": [0, joints]}],
        "nodes": [*nodes, {"name": "Body", "mesh": 0, "skin": 0}],
        "skins": [{"joints": [*range(joints)], "skeleton": 0, "inverseBindMatrices": buffer.add(inverse, "MAT4")}],
        "meshes": [{"name": "Body", "primitives": [{"attributes": attributes, "indices": triangles, "material": 0}]}],
        "materials": [{"name": "Body", "pbrMetallicRoughness": surface}],
    }

    times = buffer.add(np.arange(len(animation)) / animation.fps, "SCALAR", bounds=True)
    turns = quaternions(animation.rotations)
    outputs = [buffer.add(turns[:, joint], "VEC4") for joint in range(joints)]
    outputs.append(buffer.add(animation.root, "VEC3"))
    targets = [*({"node": joint, "path": "rotation"} for joint in range(joints)), {"node": 0, "path": "translation"}]
    document["animations"] = [
        {
            "name": "Motion",
            "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for output in outputs],
            "channels": [{"sampler": number, "target": target} for number, target in enumerate(targets)],
            "extras": {"fps": animation.fps},
        }
    ]
    document |= {"accessors": buffer.accessors, "bufferViews": buffer.views}
    document["buffers"] = [{"byteLength": len(buffer.content)}]
    text = json.dumps(document, separators=(",", ":")).encode()
    chunks = [(JSON_CHUNK, text + b" " * (-len(text) % 4)), (BIN_CHUNK, bytes(buffer.content))]
    body = b"".join(struct.pack("<I4s", len(content), kind) + content for kind, content in chunks)
    with writing(path, PoseError) as temporary:
        temporary.write_bytes(struct.pack("<4sII", MAGIC, 2, 12 + len(body)) + body)


class _Buffer:
    """The binary part of a file, which grows as arrays are added, and its descriptions in the JSON part."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []

    def add(self, array: ndarray, kind: str, dtype: str = "f4", *, target: int = 0, bounds: bool = False) -> int:
        """Append an array and return the index of its accessor."""
        values = np.ascontiguousarray(array, f"<{dtype}")
        view = {"buffer": 0, "byteOffset": len(self.content), "byteLength": values.nbytes}
        accessor = {"bufferView": len(self.views), "componentType": COMPONENTS[dtype], "count": len(values)}
        accessor["type"] = kind  # type: ignore[assignment]
        if bounds:
            for name, bound in (("min", values.min(0)), ("max", values.max(0))):
                accessor[name] = [float(value) for value in np.ravel(bound)]  # type: ignore[assignment]
        self.views.append(view | ({"target": target} if target else {}))
        self.accessors.append(accessor)
        self.content += values.tobytes() + bytes(-values.nbytes % 4)
        return len(self.accessors) - 1


def read_glb(path: str | PathLike[str]) -> RigidMotion:
    """Read the joints of a GLB file's first skin, in the first animation.

    Keys are interpolated to the times of the channel that has most of them. Each joint at the end of the tree gets an
    ``End Site`` at its own position, which turns with it. Meshes are ignored. Nodes above the root joint must stand
    still; one uniform scale is applied.

    Returns:
        The bones, in metres.

    Raises:
        FormatError: The file is missing, broken, or has no skin or animation, or uses cubic splines, matrices,
            morphing scales or sparse arrays.

    Example:
        >>> read_glb("walk.glb").names[:2]  # doctest: +SKIP
        ('Hips', 'Spine')
    """
    path = Path(path)
    content = read_content(path)
    try:
        return _Document(content).bones()
    except FormatError as problem:
        raise FormatError(f"{path}: {problem}") from None
    except Exception as problem:  # a broken document may lack keys, or hold values of wrong types or wrong indices
        reason = f"{type(problem).__name__}: {problem}"
        raise FormatError(f"{path} cannot be read as GLB ({reason}); was it copied completely?") from None


class _Document:
    """The parts of a GLB file that describe joints in motion."""

    def __init__(self, content: bytes) -> None:
        magic, version, length = struct.unpack_from("<4sII", content)
        if magic != MAGIC or version != 2 or length != len(content):
            raise FormatError("expected a complete glTF 2 file in binary form (.glb)")
        size, kind = struct.unpack_from("<I4s", content, 12)
        if kind != JSON_CHUNK:
            raise FormatError("expected JSON in the first chunk")
        self.json = json.loads(content[20 : 20 + size])
        self.binary = content[20 + size + 8 :]
        self.nodes: list[dict[str, Any]] = self.json["nodes"]
        self.above = {child: number for number, node in enumerate(self.nodes) for child in node.get("children", ())}

    def array(self, index: int) -> Float[ndarray, "_ *b"]:
        """The values of an accessor, as float64."""
        accessor = self.json["accessors"][index]
        view = self.json["bufferViews"][accessor["bufferView"]]
        if "sparse" in accessor or view.get("buffer", 0) != 0 or "uri" in self.json["buffers"][0]:
            raise FormatError("sparse arrays and data outside the file are not supported")
        dtype, shape = np.dtype(DTYPES[accessor["componentType"]]), SHAPES[accessor["type"]]
        start = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
        width = int(np.prod(shape, dtype=int)) * dtype.itemsize
        stride = view.get("byteStride", width)
        if stride < width or not 0 <= start + stride * (accessor["count"] - 1) < max(1, len(self.binary)):
            raise FormatError(f"accessor {index} leads beyond the end of the file")
        rows = [start + stride * row for row in range(accessor["count"])]
        data = b"".join(self.binary[row : row + width] for row in rows)
        values = np.frombuffer(data, dtype).reshape(accessor["count"], *shape).astype(float)
        if accessor.get("normalized"):
            values = np.maximum(values / np.iinfo(dtype).max, -1)
        return values

    def bones(self) -> RigidMotion:
        """The joints of the first skin, moved by the first animation."""
        if not self.json.get("skins") or not self.json.get("animations"):
            raise FormatError("expected a skin and an animation, and one of them is missing")
        if (count := len(self.json["skins"][0]["joints"])) > MOST_JOINTS:
            raise FormatError(f"expected at most {MOST_JOINTS} joints, got {count}")
        joints = self._in_order(self.json["skins"][0]["joints"])
        animation = self.json["animations"][0]
        channels = {
            (channel["target"]["node"], channel["target"]["path"]): animation["samplers"][channel["sampler"]]
            for channel in animation["channels"]
            if "node" in channel["target"]
        }
        keys = self._keys({sampler["input"] for sampler in channels.values()})
        times: Float[ndarray, " f"] = max(keys.values(), key=len)
        if len(times) * len(joints) > MOST_POSES:
            text = f"{len(times):,} frames of {len(joints):,} joints are too many to read at once; split the file"
            raise FormatError(text)
        stated = animation.get("extras") or {}
        fps = float(stated["fps"]) if "fps" in stated else frame_rate(times)
        if fps is None or not fps > 0:
            raise FormatError("expected an animation of at least two frames, whose times give its rate")
        offsets, rotations, names, parents = [], [], [], []
        world: dict[int, Float[ndarray, "f 3 3"]] = {}
        place, turn, scale = self._above(joints[0], {node for node, _ in channels})
        for joint in joints:
            moved, turned = (
                self._sampled(joint, kind, channels.get((joint, kind)), keys, times)
                for kind in ("translation", "rotation")
            )
            first = joint == joints[0]
            above = np.broadcast_to(np.eye(3), (len(times), 3, 3)) if first else world[self.above[joint]]
            names.append(str(self.nodes[joint].get("name", f"joint{joint}")))
            parents.append(-1 if first else joints.index(self.above[joint]))
            offsets.append(moved @ (scale * turn).T + place if first else scale * moved)
            rotations.append(above)
            world[joint] = (turn if first else above) @ quaternion_rotations(turned)
        for number, joint in enumerate(joints):
            if number not in parents:
                names.append(names[number] + END_SITE)
                parents.append(number)
                offsets.append(np.zeros((len(times), 3)))
                rotations.append(world[joint])
        return RigidMotion(
            tuple(names), tuple(parents), np.stack(offsets, 1), np.stack(rotations, 1), fps, unit=1.0, up="y"
        )  # f j 3

    def _keys(self, inputs: Collection[int]) -> dict[int, Float[ndarray, " _"]]:
        """The times of keys by their accessors, of which many may lead to the same bytes."""
        if sum(self.json["accessors"][index]["count"] for index in inputs) > MOST_POSES:
            raise FormatError(f"expected at most {MOST_POSES:,} keys in all channels together; split the file")
        return {index: self.array(index) for index in inputs}

    def _in_order(self, joints: list[int]) -> list[int]:
        """The joints, parents before children. There must be one root."""
        roots = [joint for joint in joints if self.above.get(joint) not in joints]
        if len(roots) != 1:
            raise FormatError(f"expected one tree of joints, got {len(roots)}")
        order: list[int] = []
        while len(order) < len(joints):
            ready = (joint for joint in joints if joint not in order)
            order.append(next(joint for joint in ready if joint in roots or self.above[joint] in order))
        return order

    def _above(self, joint: int, moving: set[int]) -> tuple[Float[ndarray, "3"], Float[ndarray, "3 3"], float]:
        """Translation, rotation and scale of the nodes above a joint."""
        place, turn, scale = np.zeros(3), np.eye(3), 1.0
        for _ in self.nodes:  # more steps would go round in a circle
            if (joint := self.above.get(joint, -1)) < 0:
                break
            node = self.nodes[joint]
            factors = np.array(node.get("scale", (1, 1, 1)), float)
            if joint in moving or "matrix" in node or np.ptp(factors) > UNIFORM * np.abs(factors).max():
                raise FormatError(f"node {joint}, above the root joint, moves, has a matrix or scales unevenly")
            factor = float(factors.mean())
            own = quaternion_rotations(np.array(node.get("rotation", (0, 0, 0, 1)), float))
            place = own @ (factor * place) + np.array(node.get("translation", (0, 0, 0)), float)
            turn, scale = own @ turn, factor * scale
        return place, turn, scale

    def _sampled(
        self,
        joint: int,
        kind: str,
        sampler: dict[str, Any] | None,
        keys: dict[int, Float[ndarray, " _"]],
        times: Float[ndarray, " f"],
    ) -> Float[ndarray, "f _"]:
        """The translation or rotation of a joint at the given times."""
        node = self.nodes[joint]
        if "matrix" in node or not np.allclose(node.get("scale", 1), 1, atol=UNIFORM):
            raise FormatError(f"node {joint} has a matrix or a scale; expected joints that move and turn only")
        if sampler is None:
            default = node.get(kind, (0, 0, 0) if kind == "translation" else (0, 0, 0, 1))
            return np.tile(np.array(default, float), (len(times), 1))
        values, own = self.array(sampler["output"]), keys[sampler["input"]]
        method = sampler.get("interpolation", "LINEAR")
        if method not in ("LINEAR", "STEP") or len(values) != len(own):
            raise FormatError(f"expected a key for each time and linear interpolation or steps, got {method}")
        if np.array_equal(own, times):
            return values
        before = np.clip(np.searchsorted(own, times, "right") - 1, 0, len(own) - 1)
        if method == "STEP" or len(own) == 1:
            return values[before]
        if kind == "translation":
            return np.stack([np.interp(times, own, column) for column in values.T], -1)
        from scipy.spatial.transform import Rotation, Slerp

        between: ndarray = Slerp(own, Rotation.from_quat(values))(np.clip(times, own[0], own[-1])).as_quat()
        return between
