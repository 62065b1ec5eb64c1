"""Write a synthetic recording of CMU's body as ASF/AMC and as BVH, and compute its joint positions with plain loops."""

from pathlib import Path

import numpy as np

# Bone, parent, joint in the BVH file, direction times length at rest, rotation of its axes, degrees of freedom.
UPPERBACK, LRADIUS, RRADIUS = (0.05, 2.0, -0.04), (3.4, 0.0, 0.0), (-3.4, 0.0, 0.0)
THORAX = (0.0, float(np.linalg.norm(UPPERBACK)), 0.0)  # assumed by the repair of BVH files
BODY = [
    ("lhipjoint", "root", "LHipJoint", (1.4, -1.8, 0.8), (0, 0, 0), ""),
    ("lfemur", "lhipjoint", "LeftUpLeg", (2.4, -6.7, 0.0), (0, 0, 20), "rx ry rz"),
    ("ltibia", "lfemur", "LeftLeg", (2.5, -7.0, 0.0), (0, 0, 20), "rx"),
    ("lfoot", "ltibia", "LeftFoot", (0.2, -0.4, 2.3), (-90, 0, 20), "rx rz"),
    ("rhipjoint", "root", "RHipJoint", (-1.3, -1.8, 0.8), (0, 0, 0), ""),
    ("rfemur", "rhipjoint", "RightUpLeg", (-2.5, -6.9, 0.0), (0, 0, -20), "rx ry rz"),
    ("rtibia", "rfemur", "RightLeg", (-2.6, -7.1, 0.0), (0, 0, -20), "rx"),
    ("rfoot", "rtibia", "RightFoot", (-0.2, -0.4, 2.3), (-90, 0, -20), "rx rz"),
    ("lowerback", "root", "LowerBack", (0.03, 2.0, -0.2), (0, 0, 0), "rx ry rz"),
    ("upperback", "lowerback", "Spine", UPPERBACK, (0, 0, 0), "rx ry rz"),
    ("thorax", "upperback", "Spine1", THORAX, (0, 0, 0), "rx ry rz"),
    ("lowerneck", "thorax", "Neck", (-0.05, 1.7, 0.2), (0, 0, 0), "rx ry rz"),
    ("upperneck", "lowerneck", "Neck1", (0.1, 1.8, -0.1), (0, 0, 0), "rx ry rz"),
    ("head", "upperneck", "Head", (0.04, 1.8, -0.06), (0, 0, 0), "rx ry rz"),
    ("lclavicle", "thorax", "LeftShoulder", (3.4, 1.2, -0.3), (0, 0, 0), "ry rz"),
    ("lhumerus", "lclavicle", "LeftArm", (5.0, 0.0, 0.0), (180, 30, 90), "rx ry rz"),
    ("lradius", "lhumerus", "LeftForeArm", LRADIUS, (180, 30, 90), "rx"),
    ("lwrist", "lradius", "LeftHand", tuple(np.array(LRADIUS) / 2), (180, -90, 90), "ry"),
    ("lhand", "lwrist", "LeftFingerBase", (0.7, 0.0, 0.0), (180, -90, 90), "rx rz"),
    ("rclavicle", "thorax", "RightShoulder", (-3.1, 1.4, -0.4), (0, 0, 0), "ry rz"),
    ("rhumerus", "rclavicle", "RightArm", (-5.2, 0.0, 0.0), (180, -30, -90), "rx ry rz"),
    ("rradius", "rhumerus", "RightForeArm", RRADIUS, (180, -30, -90), "rx"),
    ("rwrist", "rradius", "RightHand", tuple(np.array(RRADIUS) / 2), (180, 90, -90), "ry"),
    ("rhand", "rwrist", "RightFingerBase", (-0.6, 0.0, 0.0), (180, 90, -90), "rx rz"),
]
LOST = ("Neck", "LeftShoulder", "RightShoulder", "LeftFingerBase", "RightFingerBase")


def rotation(axis: str, degrees: float) -> np.ndarray:
    """The rotation matrix about an axis, by Rodrigues' formula."""
    x, y, z = np.eye(3)["xyz".index(axis)]
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def euler_zyx(matrix: np.ndarray) -> tuple[float, float, float]:
    """Angles in degrees about z, y and x whose product ``Rz Ry Rx`` is the matrix."""
    z = np.arctan2(matrix[1, 0], matrix[0, 0])
    x = np.arctan2(matrix[2, 1], matrix[2, 2])
    return tuple(np.degrees([z, np.arcsin(-np.clip(matrix[2, 0], -1, 1)), x]))


def motion(frames: int, *, step: float = 4.0, seed: int = 0) -> list[dict[str, list[float]]]:
    """A random walk of every bone's angles and of the root's position."""
    generator = np.random.default_rng(seed)
    state = {"root": np.array([0, 17.0, 0, 0, 0, 0])}
    state |= {name: np.zeros(len(dof.split())) for name, *_, dof in BODY if dof}
    result = []
    for _ in range(frames):
        for values in state.values():
            values[-3:] += generator.normal(0, step, len(values[-3:]))
        state["root"][:3] += generator.normal(0, 0.05, 3)
        result.append({name: [round(float(value), 5) for value in values] for name, values in state.items()})
    return result


def local_rotation(name: str, values: dict[str, list[float]]) -> np.ndarray:
    if name == "root":
        rx, ry, rz = values["root"][3:]
        return rotation("z", rz) @ rotation("y", ry) @ rotation("x", rx)
    axis, dof = next((axis, dof.split()) for bone, _, _, _, axis, dof in BODY if bone == name)
    frame = rotation("z", axis[2]) @ rotation("y", axis[1]) @ rotation("x", axis[0])
    turned = np.eye(3)
    for kind, degrees in zip(dof, values.get(name, []), strict=True):
        turned = rotation(kind[1], degrees) @ turned
    return frame @ turned @ np.linalg.inv(frame)


def ends(values: dict[str, list[float]]) -> dict[str, np.ndarray]:
    """The ends of the bones in one frame, in the file's unit."""
    place, world = {"root": np.array(values["root"][:3])}, {"root": local_rotation("root", values)}
    for name, parent, _, offset, _, _ in BODY:
        world[name] = world[parent] @ local_rotation(name, values)
        place[name] = place[parent] + world[name] @ np.array(offset)
    return place


def write_asf(path: Path, *, radians: bool = False, length: float = 0.45) -> None:
    scale = np.pi / 180 if radians else 1
    lines = [":version 1.10", ":name synthetic", ":units", "  mass 1.0", f"  length {length}"]
    lines += [f"  angle {'rad' if radians else 'deg'}", ":documentation", "   synthetic", ":root"]
    lines += ["   order TX TY TZ RX RY RZ", "   axis XYZ", "   position 0 0 0", "   orientation 0 0 0", ":bonedata"]
    for number, (name, _, _, offset, axis, dof) in enumerate(BODY, 1):
        size = np.linalg.norm(offset)
        lines += ["  begin", f"     id {number}", f"     name {name}"]
        lines += ["     direction " + " ".join(f"{part / size:.9g}" for part in offset), f"     length {size:.9g}"]
        lines += ["     axis " + " ".join(f"{angle * scale:.9g}" for angle in axis) + "   XYZ"]
        if dof:
            lines += [
                f"    dof {dof}",
                *(f"    {'limits' if not n else ''} (-180 180)" for n in range(len(dof.split()))),
            ]
        lines += ["  end"]
    lines += [":hierarchy", "  begin"]
    for parent in dict.fromkeys(parent for _, parent, *_ in BODY):
        lines += ["    " + " ".join([parent, *(name for name, above, *_ in BODY if above == parent)])]
    path.write_text("\n".join([*lines, "  end", ""]))


def write_amc(path: Path, frames: list[dict[str, list[float]]], *, radians: bool = False) -> None:
    lines = ["#!OML:ASF synthetic", ":FULLY-SPECIFIED", ":RADIANS" if radians else ":DEGREES"]
    for number, values in enumerate(frames, 1):
        lines.append(str(number))
        for name, numbers in values.items():
            moved = 3 if name == "root" else 0
            turned = np.radians(numbers[moved:]) if radians else numbers[moved:]
            lines.append(" ".join([name, *(f"{value:.9g}" for value in (*numbers[:moved], *turned))]))
    path.write_text("\n".join([*lines, ""]))


def write_bvh(path: Path, frames: list[dict[str, list[float]]]) -> None:
    """Write BVH like cgspeed's conversion: first a T-pose; bones of zero length at the thorax and wrists."""
    bones = {name: np.array(offset) for name, _, _, offset, _, _ in BODY} | {"root": np.zeros(3)}
    order: list[str] = []

    def block(name: str, joint: str, parent: str) -> list[str]:
        order.append(name)
        offset = np.zeros(3) if joint in LOST else bones[parent]
        channels = "3 Zrotation Yrotation Xrotation"
        if name == "root":
            channels = "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation"
        lines = [f"{'ROOT' if name == 'root' else 'JOINT'} {joint}", "{"]
        lines += ["OFFSET " + " ".join(f"{part:.6f}" for part in offset), f"CHANNELS {channels}"]
        children = [(child, its) for child, above, its, *_ in BODY if above == name]
        for child, its in children:
            lines += block(child, its, name)
        if not children:
            lines += ["End Site", "{", "OFFSET " + " ".join(f"{part:.6f}" for part in bones[name]), "}"]
        return [*lines, "}"]

    lines = ["HIERARCHY", *block("root", "Hips", "root"), "MOTION", f"Frames: {len(frames) + 1}"]
    lines.append("Frame Time: .0083333")
    lines.append(" ".join(["0 17 0", *("0 0 0" for _ in order)]))
    for values in frames:
        row = list(values["root"][:3])
        for name in order:
            row += euler_zyx(local_rotation(name, values))
        lines.append(" ".join(f"{value:.6f}" for value in row))
    path.write_text("\n".join([*lines, ""]))
