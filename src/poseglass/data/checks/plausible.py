"""Check whether a take looks like a person's motion, and report every problem with its place."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float
from numpy import ndarray

from poseglass.body.skeleton import H36M_17
from poseglass.data.checks.dataset import BONES, UNEVEN
from poseglass.data.checks.findings import Finding, Findings, count

__all__ = ["FASTEST", "LEG", "LEGS", "SCALES", "bone_lengths", "examine_motion", "examine_times", "fitting_unit"]

FASTEST = 25.0  # metres per second: faster than any human joint; a mislabelled marker jumps faster
LEG = 0.85  # metres from hip to ankle of a typical adult
LEGS = (0.45, 1.15)  # metres from hip to ankle that identify a unit; an adult's leg in inches must not pass as cm
STATURE = (0.5, 1.4)  # limits of a bone, as multiples of the shortest adult's (for children) and of the longest
SCALES = {"m": 1.0, "cm": 0.01, "mm": 0.001}  # units far enough apart for a leg's length to identify
NAMES = {"m": "metres", "cm": "centimetres", "mm": "millimetres"}
RATES = (5.0, 1000.0)  # frames per second outside which a rate is an error
USUAL_RATES = (15.0, 300.0)  # frames per second outside which a rate is unusual
BENT = 0.06  # metres from the knee to the line from hip to ankle; even straight legs may bend backward by less
FROZEN = 0.5  # seconds without any change
STRETCHED = 0.3  # maximum deviation of a bone's length from its median, as a share of the median
SIDES = ("left", "right")
CROSSED = "or are the limbs crossed (then list the file under crossed in motion.toml)"


def bone_lengths(points: Float[ndarray, "f 17 3"]) -> dict[str, float]:
    """Return the median length of the bone that ends at each limb joint, by the joint's name; NaN where unknown."""
    lengths = {}
    for joint, parent in zip(H36M_17.joints, H36M_17.parents, strict=True):
        if joint.rpartition("_")[2] in BONES and parent >= 0:
            bone = np.linalg.norm(points[:, H36M_17.index(joint)] - points[:, parent], axis=-1)
            bone = bone[np.isfinite(bone)]
            lengths[joint] = float(np.median(bone)) if len(bone) else np.nan
    return lengths


def fitting_unit(leg: float) -> str | None:
    """Return the unit (m, cm or mm) in which a leg of this length is human; None if there is none.

    Example:
        >>> fitting_unit(870)
        'mm'
    """
    low, high = LEGS
    return next((name for name, metres in SCALES.items() if low <= leg * metres <= high), None)


def examine_motion(
    points: Float[ndarray, "f 17 3"],
    fps: float,
    place: str,
    *,
    unit: float = 1.0,
    upright: bool = True,
    sides: bool = True,
) -> Findings:
    """Check one take: gaps, bone lengths and unit, swapped sides, frozen frames, jumps.

    Args:
        points: Human3.6M's 17 joints in metres (f 17 3), y up; NaN where unknown.
        fps: Frames per second.
        place: The take, for messages.
        unit: The file's unit of length in metres, which the points have already been multiplied by.
        upright: Whether y is up. Where that is not certain, the check for a body upside down is skipped.
        sides: Whether to look for left and right joints that are exchanged.
    """
    known = np.isfinite(points).all((1, 2))
    findings = Findings(_gaps(points, known, place))
    if not known.any():
        return findings
    findings += _bones(points, place, unit)
    if findings.errors:
        return findings  # any further findings would follow from these
    findings += _upside_down(points[known], place) if upright else ()
    findings += _sides(points[known], place) if sides else ()
    findings += _frozen(points, fps, place)
    findings += _jumps(points, fps, place)
    return findings


def examine_times(fps: float | None, times: Float[ndarray, " f"] | None, place: str) -> Iterator[Finding]:
    """Check a frame rate, and the time stamps of the frames if there are any.

    Args:
        fps: Frames per second; None if unknown.
        times: Time of each frame in seconds (f); None if unknown.
        place: The take, for messages.
    """
    if fps is None or not np.isfinite(fps) or fps <= 0:
        yield Finding("error", place, "the frame rate is unknown; set fps in motion.toml")
        return
    usual = f"{USUAL_RATES[0]:g} to {USUAL_RATES[1]:g} are usual"
    if not RATES[0] <= fps <= RATES[1]:
        yield Finding("error", place, f"{fps:g} frames per second cannot be right ({usual}); correct fps")
        return
    if not USUAL_RATES[0] <= fps <= USUAL_RATES[1]:
        yield Finding("warning", place, f"{fps:g} frames per second are unusual ({usual}); check fps")
    if times is None or len(times) < 2:
        return
    steps = np.diff(times)
    if (steps <= 0).any() or not np.isfinite(times).all():
        frame = int((~(steps > 0)).argmax()) + 1
        yield Finding("error", f"{place}, frame {frame}", "the time does not increase")
    elif (uneven := np.abs(steps * fps - 1) > 0.05).any():
        worst = int(np.abs(steps * fps - 1).argmax()) + 1
        text = (
            f"time stamps are uneven: {int(uneven.sum())} steps differ from 1/{fps:g} s, the worst is "
            f"{steps[worst - 1]:.4g} s; clips are resampled by their time stamps"
        )
        yield Finding("warning", f"{place}, frame {worst}", text)


def _gaps(points: Float[ndarray, "f 17 3"], known: Bool[ndarray, " f"], place: str) -> Iterator[Finding]:
    """Report frames with unknown joints."""
    if known.all():
        return
    unknown = ~np.isfinite(points).all(2)
    frame = int((~known).argmax())
    first = ", ".join(H36M_17.joints[joint] for joint in np.flatnonzero(unknown[frame])[:4])
    if not known.any():
        never = [H36M_17.joints[joint] for joint in np.flatnonzero(unknown.all(0))]
        which = f"{', '.join(never)} always missing" if never else "some joint is always missing"
        yield Finding("error", place, f"no frame has all 17 joints: {which}; name a substitute under [joints]")
        return
    what = "infinite or unknown" if np.isinf(points).any() else "unknown"
    text = f"joints are {what} in {int((~known).sum())} of {len(points)} frames, first here; these frames are left out"
    yield Finding("warning", f"{place}, frame {frame}, {first}", text)


def _bones(points: Float[ndarray, "f 17 3"], place: str, unit: float) -> Iterator[Finding]:
    """Report a wrong unit, joints in another order, unequal sides and bones of varying length."""
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
            text = f"a leg is {leg:.4g} m long; for an adult, set units = {LEG / leg * unit:.3g} or so (metres)"
        else:
            which = "; ".join(f"the bone to {joint} is {lengths[joint]:.3g} m long" for joint in bad[:4])
            text = f"the joints are in another order, or have wrong names: {which}"
        yield Finding("error", place, text)
        return
    for joint, length in lengths.items():
        low, high = BONES[joint.rpartition("_")[2]]
        twin = lengths[joint.replace("left_", "right_")]
        if not low <= length <= high:
            text = f"the bone is {length:.3g} m long, adults' are {low:g} to {high:g} m; is this a child?"
            yield Finding("warning", f"{place}, {joint}", text)
        elif max(length, twin) > UNEVEN * min(length, twin):
            text = f"the bone is {length:.3g} m long on the left and {twin:.3g} m on the right"
            yield Finding("warning", f"{place}, {joint}", text)
    for joint in (j for j in lengths if not j.endswith("hip")):
        bone = points[:, H36M_17.index(joint)] - points[:, H36M_17.parents[H36M_17.index(joint)]]
        size = np.linalg.norm(bone, axis=-1)
        stretched = np.abs(size / lengths[joint] - 1) > STRETCHED
        if stretched.any():
            frame = int(stretched.argmax())
            text = (
                f"the bone is {size[frame]:.3g} m long here and usually {lengths[joint]:.3g} m "
                f"({count(int(stretched.sum()), 'such frame')})"
            )
            yield Finding("warning", f"{place}, frame {frame}, {joint}", text)


def _upside_down(points: Float[ndarray, "f 17 3"], place: str) -> Iterator[Finding]:
    """Report a body whose head is down."""
    up = points[:, H36M_17.index("thorax"), 1] - points[:, H36M_17.index("pelvis"), 1]
    if float(np.mean(up > 0)) < 0.1:
        text = "the head is below the pelvis in nearly all frames; if another axis points up, set up"
        yield Finding("warning", place, text)


def _sides(points: Float[ndarray, "f 17 3"], place: str) -> Iterator[Finding]:
    """Report left and right that may be exchanged, in one pair of joints or in the whole body.

    Folded arms and crossed legs look the same, so these are warnings.
    """
    joint = {name: points[:, number] for number, name in enumerate(H36M_17.joints)}
    for part, above in (("knee", "hip"), ("ankle", "knee"), ("elbow", "shoulder"), ("wrist", "elbow")):
        own, other = (
            np.median([np.linalg.norm(joint[f"{a}_{part}"] - joint[f"{b}_{above}"], axis=-1) for a, b in pairs])
            for pairs in (zip(SIDES, SIDES, strict=True), zip(SIDES, SIDES[::-1], strict=True))
        )
        if other < 0.97 * own:
            text = f"each {part} is nearer to the other side's {above}; are left and right exchanged, {CROSSED}?"
            yield Finding("warning", f"{place}, left_{part}, right_{part}", text)
            return
    # Knees bend forward only. Facing forward, the left hip is on the left.
    ahead = np.cross(joint["left_hip"] - joint["right_hip"], joint["thorax"] - joint["pelvis"])
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    bends = []
    for side in SIDES:
        hip, knee, ankle = (joint[f"{side}_{part}"] for part in ("hip", "knee", "ankle"))
        bends.append(((knee - (hip + ankle) / 2) * ahead).sum(-1))
    bend = np.concatenate(bends)
    strong = np.abs(bend) > BENT
    if strong.mean() > 0.05 and (bend[strong] < 0).mean() > 0.8:
        text = f"knees bend backward: are left and right exchanged, or is it a mirror image, {CROSSED}?"
        yield Finding("warning", place, text)


def _frozen(points: Float[ndarray, "f 17 3"], fps: float, place: str) -> Iterator[Finding]:
    """Report stretches in which nothing moves."""
    same = np.r_[False, (points[1:] == points[:-1]).all((1, 2)), False]
    edges = np.flatnonzero(np.diff(same.astype(int)))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= FROZEN * fps]
    if runs:
        start, end = max(runs, key=lambda run: run[1] - run[0])
        text = (
            f"nothing moves until frame {end} ({(end - start) / fps:.1f} s); {count(len(runs), 'such stretch', 'es')}"
        )
        yield Finding("warning", f"{place}, frame {start}", text)


def _jumps(points: Float[ndarray, "f 17 3"], fps: float, place: str) -> Iterator[Finding]:
    """Report joints that move faster than people can."""
    speed = np.linalg.norm(np.diff(points, axis=0), axis=-1) * fps
    fast = np.nan_to_num(speed) > FASTEST
    if fast.any():
        frame = int(fast.any(-1).argmax())
        joint = int(np.nan_to_num(speed[frame]).argmax())
        text = (
            f"the joint moves at {speed[frame, joint]:.0f} m/s; the take is cut at "
            f"{count(int(fast.any(-1).sum()), 'such frame')}"
        )
        yield Finding("warning", f"{place}, frame {frame + 1}, {H36M_17.joints[joint]}", text)
