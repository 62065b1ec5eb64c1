"""Does motion look like a person's? Everything that speaks against it, with its place, all at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.dataset import BONES, EVEN

__all__ = [
    "FASTEST",
    "SCALES",
    "Problem",
    "Problems",
    "bone_lengths",
    "examine_motion",
    "examine_times",
    "fitting_unit",
]

FASTEST = 25.0  # metres a second: no joint of a person moves faster, a marker that was mistaken for another does
LEG = 0.85  # metres from hip to ankle, of an adult
LEGS = (0.45, 1.15)  # of whom a unit is found out: an adult's in inches is no child's in centimetres
STATURE = (0.5, 1.4)  # how much smaller than the least adult's bones a child's are, and larger than the greatest
SCALES = {"m": 1.0, "cm": 0.01, "mm": 0.001}  # which may be found out, being far enough apart
NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres"}
SLOW, QUICK = (5.0, 15.0), (300.0, 1000.0)  # frames a second: absurd below, unusual below; unusual above, absurd above
BENT = 0.06  # metres of a knee before the line from hip to ankle: straight legs may bend backward by less
FROZEN = 0.5  # seconds without any change
SIDES = ("left", "right")


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, or odd.

    Args:
        place: File, key, take, frame, joint: whatever finds it.
        text: What was expected, what came, what to do.
        fatal: Whether it is an error; a warning otherwise.
    """

    place: str
    text: str
    fatal: bool = True

    @classmethod
    def of(cls, place: str, error: Exception) -> "Problem":
        """An error that was raised, whose message need not name the place again."""
        return cls(place, str(error).removeprefix(place).lstrip(":, "))

    def __str__(self) -> str:
        return f"{'error' if self.fatal else 'warning'}: {self.place}: {self.text}"


Problems = list[Problem]


def bone_lengths(points: Float[ndarray, "f 17 3"]) -> dict[str, float]:
    """The median length of the bone to each joint of a limb, by its name; NaN where it is never known."""
    lengths = {}
    for joint, parent in zip(H36M_17.joints, H36M_17.parents, strict=True):
        if joint.rpartition("_")[2] in BONES and parent >= 0:
            bone = np.linalg.norm(points[:, H36M_17.index(joint)] - points[:, parent], axis=-1)
            bone = bone[np.isfinite(bone)]
            lengths[joint] = float(np.median(bone)) if len(bone) else np.nan
    return lengths


def fitting_unit(leg: float) -> str | None:
    """The unit, of m, cm and mm, in which a leg of this length is a person's; None if it is in none of them."""
    low, high = LEGS
    return next((name for name, metres in SCALES.items() if low <= leg * metres <= high), None)


def examine_motion(
    points: Float[ndarray, "f 17 3"], fps: float, place: str, *, unit: float = 1.0, upright: bool = True
) -> Problems:
    """Everything odd about one take.

    Args:
        points: Human3.6M's 17 joints in metres (f 17 3), y up; NaN where they are not known.
        fps: Frames a second.
        place: Where the take is, for the messages.
        unit: Metres in the unit of length that the points came in, and were multiplied by.
        upright: Whether y is up; in camera space it is not, and what needs that is left out.
    """
    known = np.isfinite(points).all((1, 2))
    problems = [*_gaps(points, known, place)]
    if not known.any():
        return problems
    problems += _bones(points, place, unit)
    if any(problem.fatal for problem in problems):
        return problems  # the rest would only follow from it
    problems += _sides(points[known], place, upright=upright)
    problems += [*_frozen(points, fps, place), *_jumps(points, fps, place)]
    return problems


def examine_times(fps: float | None, times: Float[ndarray, " f"] | None, place: str) -> Iterator[Problem]:
    """What is odd about a clock."""
    if fps is None or not np.isfinite(fps) or fps <= 0:
        yield Problem(place, "nobody says how many frames a second there are; set fps in motion.toml")
        return
    if not SLOW[0] <= fps <= QUICK[1]:
        yield Problem(place, f"{fps:g} frames a second are absurd; {SLOW[1]:g} to {QUICK[0]:g} are usual: correct fps")
        return
    if not SLOW[1] <= fps <= QUICK[0]:
        yield Problem(place, f"{fps:g} frames a second are unusual; is that right?", fatal=False)
    if times is None or len(times) < 2:
        return
    steps = np.diff(times)
    if (steps <= 0).any() or not np.isfinite(times).all():
        frame = int((~(steps > 0)).argmax()) + 1
        yield Problem(f"{place}, frame {frame}", "the time does not go on there")
    elif (odd := np.abs(steps * fps - 1) > 0.05).any():
        worst = int(np.abs(steps * fps - 1).argmax()) + 1
        text = f"time stamps are not even: {int(odd.sum())} steps are not 1/{fps:g} s, this is {steps[worst - 1]:.4g} s"
        yield Problem(f"{place}, frame {worst}", f"{text}; clips are resampled by them", fatal=False)


def _gaps(points: Float[ndarray, "f 17 3"], known: Bool[ndarray, " f"], place: str) -> Iterator[Problem]:
    if known.all():
        return
    joints = ~np.isfinite(points).all(2)
    frame = int((~known).argmax())
    first = ", ".join(H36M_17.joints[joint] for joint in np.flatnonzero(joints[frame])[:4])
    what = "infinite or no numbers" if np.isinf(points).any() else "not known"
    if not known.any():
        never = [H36M_17.joints[joint] for joint in np.flatnonzero(joints.all(0))]
        which = f"{', '.join(never)} never are" if never else "some joint is always missing"
        yield Problem(place, f"no frame has all 17 joints: {which}; say in [joints] what to use instead")
        return
    text = f"{int((~known).sum())} of {len(points)} frames are {what}, this is the first; they are left out"
    yield Problem(f"{place}, frame {frame}, {first}", text, fatal=False)


def _bones(points: Float[ndarray, "f 17 3"], place: str, unit: float) -> Iterator[Problem]:
    """Units, order of joints, unequal sides."""
    lengths = bone_lengths(points)

    def wrong(scale: float) -> list[str]:
        ranges = {joint: BONES[joint.rpartition("_")[2]] for joint in lengths}
        low, high = STATURE
        return [j for j, size in lengths.items() if not low * ranges[j][0] <= scale * size <= high * ranges[j][1]]

    if bad := wrong(1.0):
        leg = 2 * float(np.mean([lengths[f"{side}_{part}"] for side in SIDES for part in ("knee", "ankle")]))
        name = fitting_unit(leg / unit)
        if name is not None and not wrong(SCALES[name] / unit):
            text = f'a leg is {leg:.4g} m long: the file looks like {NAMES[name]}; set units = "{name}"'
        elif leg > 0 and not wrong(LEG / leg):
            text = f"a leg is {leg:.4g} m long; if it is an adult's, set units = {LEG / leg * unit:.3g} or so (metres)"
        else:
            which = "; ".join(f"the bone to {joint} is {lengths[joint]:.3g} m long" for joint in bad[:4])
            text = f"the joints are in another order, or named wrongly: {which}"
        yield Problem(place, text)
        return
    for joint, length in lengths.items():
        low, high = BONES[joint.rpartition("_")[2]]
        twin = lengths[joint.replace("left_", "right_")]
        if not low <= length <= high:
            text = f"the bone is {length:.3g} m long, and people's are {low:g} to {high:g}; is it a child?"
            yield Problem(f"{place}, {joint}", text, fatal=False)
        elif max(length, twin) > EVEN * min(length, twin):
            text = f"the bones of the two sides are {length:.3g} and {twin:.3g} m long"
            yield Problem(f"{place}, {joint}", text, fatal=False)
    for joint in (j for j in lengths if not j.endswith("hip")):
        bone = points[:, H36M_17.index(joint)] - points[:, H36M_17.parents[H36M_17.index(joint)]]
        size = np.linalg.norm(bone, axis=-1)
        far = np.abs(size / lengths[joint] - 1) > 0.3
        if far.any():
            frame = int(far.argmax())
            text = (
                f"the bone is {size[frame]:.3g} m long there and {lengths[joint]:.3g} m usually ({int(far.sum())} such)"
            )
            yield Problem(f"{place}, frame {frame}, {joint}", text, fatal=False)


def _sides(points: Float[ndarray, "f 17 3"], place: str, *, upright: bool) -> Iterator[Problem]:
    """Left and right exchanged, in one pair or in all of the body; the body upside down."""
    joint = {name: points[:, number] for number, name in enumerate(H36M_17.joints)}
    for part, above in (("knee", "hip"), ("ankle", "knee"), ("elbow", "shoulder"), ("wrist", "elbow")):
        own, other = (
            np.median([np.linalg.norm(joint[f"{a}_{part}"] - joint[f"{b}_{above}"], axis=-1) for a, b in pairs])
            for pairs in (zip(SIDES, SIDES, strict=True), zip(SIDES, SIDES[::-1], strict=True))
        )
        if other < 0.97 * own:
            text = f"each {part} is nearer to the {above} of the other side; are left and right exchanged in it?"
            yield Problem(f"{place}, left_{part}, right_{part}", text)
            return
    up = joint["thorax"] - joint["pelvis"]
    if upright and float(np.mean(up[:, 1] > 0)) < 0.1:
        yield Problem(
            place, "the head is below the pelvis in nearly all frames; is another axis up? set up", fatal=False
        )
    # Knees bend forward only; forward is where the left hip lies to the left of it.
    ahead = np.cross(joint["left_hip"] - joint["right_hip"], up)
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    bends = []
    for side in SIDES:
        hip, knee, ankle = (joint[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        bends.append(((knee - (hip + ankle) / 2) * ahead).sum(-1))
    bend = np.concatenate(bends)
    strong = np.abs(bend) > BENT
    if strong.mean() > 0.05 and (bend[strong] < 0).mean() > 0.8:
        text = "knees bend backward: left and right are exchanged, or the axes are left-handed (a mirror image)"
        yield Problem(place, text)


def _frozen(points: Float[ndarray, "f 17 3"], fps: float, place: str) -> Iterator[Problem]:
    same = np.r_[False, (points[1:] == points[:-1]).all((1, 2)), False]
    edges = np.flatnonzero(np.diff(same.astype(int)))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= FROZEN * fps]
    if runs:
        start, end = max(runs, key=lambda run: run[1] - run[0])
        text = f"nothing moves until frame {end} ({(end - start) / fps:.1f} s); {len(runs)} such stretches"
        yield Problem(f"{place}, frame {start}", text, fatal=False)


def _jumps(points: Float[ndarray, "f 17 3"], fps: float, place: str) -> Iterator[Problem]:
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps
    fast = np.nan_to_num(speed) > FASTEST
    if fast.any():
        frame = int(fast.any(-1).argmax())
        joint = int(np.nan_to_num(speed[frame]).argmax())
        text = f"jumps at {speed[frame, joint]:.0f} m/s; {int(fast.any(-1).sum())} such frames, where the take is cut"
        yield Problem(f"{place}, frame {frame + 1}, {H36M_17.joints[joint]}", text, fatal=False)
