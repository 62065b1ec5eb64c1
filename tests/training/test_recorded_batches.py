"""Batches of recordings: the defined clips, as stored in the folder, each once per epoch."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from poseglass import H36M_17, MPI_INF_3DHP_17
from poseglass.clips.mirror import flip
from poseglass.clips.windows import seq2frame_starts, seq2seq_starts
from poseglass.data.h36m.facts import SUBJECTS
from poseglass.data.recordings.store import Recordings
from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError
from poseglass.training.batches import Batches, batches
from poseglass.training.clip_table import ClipTable
from poseglass.training.recipe import Recipe
from poseglass.training.recorded_batches import RecordedBatches

SIZE = (1000, 1002)


def written(folder: Path, *, lengths=(20, 31), subjects=SUBJECTS, valid=None, broken=None, **about) -> Path:
    """Write takes of random numbers for each subject; `valid` gives the valid frames."""
    about = {"skeleton": "h36m17", "dataset": "Human3.6M", "licence": "none", "sources": ("gt", "cpn")} | about
    rng = np.random.default_rng(1)
    with write_recordings(folder, scored=("cpn",), **about) as writer:
        for subject in subjects:
            for number, frames in enumerate(lengths):
                joints = len(writer.skeleton)
                points = rng.normal(size=(frames, joints, 3))
                points2d = {name: rng.uniform(0, 1000, (frames, joints, 2)) for name in about["sources"]}
                scores = {"cpn": rng.random((frames, joints))} if "cpn" in points2d else None
                writer.add(
                    subject=subject, action="Walking", take=f"Walking {number}", camera="1", fps=50.0, size=SIZE,
                    points3d=points, points2d=points2d, scores=scores, valid=None if valid is None else valid(frames),
                )  # fmt: skip
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("data") / "store")


def recipe(store: Path, *settings: str) -> Recipe:
    tree = {
        "model": {"name": "mixste", "frames": 9, "inputs": 2, "sizes": {"dim": 16, "depth": 2, "heads": 2}},
        "data": {"path": str(store), "keypoints": "cpn", "stride": 9, "batch": 4, "flip": "none"},
        "run": {"validation_clips": 5},
    }
    return Recipe().updated(tree).override(*settings)


CENTRE = ("loss.frames=centre", "loss.smoothness=0", "loss.velocity=0")


def clips_by_definition(store: Recordings, subjects, frames: int, stride: int, *, centres: bool) -> list[list[int]]:
    """The rows of the arrays that each clip takes, frame by frame."""
    clips = []
    for recording in store:
        if recording.subject not in subjects:
            continue
        length = len(recording)
        if centres:
            starts = [centre - frames // 2 for centre in range(0, length, stride)]
        else:
            count = 1
            while frames + (count - 1) * stride < length:
                count += 1
            before = (frames + (count - 1) * stride - length) // 2
            starts = [number * stride - before for number in range(count)]
        for start in starts:
            clips.append([recording.offset + min(max(start + k, 0), length - 1) for k in range(frames)])
    return clips


def view_by_definition(folder: Path, rows: list[int], inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """One clip, read with plain numpy as docs/datasets.md describes the folder."""
    points, pixels, scores = (
        np.load(folder / f"{name}.npy")[rows] for name in ("points3d", "points2d-cpn", "scores-cpn")
    )
    width, height = SIZE
    x, y = 2 * pixels[..., 0] / width - 1, 2 * pixels[..., 1] / width - height / width
    return np.stack([x, y, scores][:inputs], -1), points - points[:, :1]


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    frames=st.integers(1, 13),
    stride=st.integers(1, 15),
    by=st.sampled_from(["seq2seq", "seq2frame"]),
    count=st.sampled_from(["all", "centre", "any"]),
    seed=st.integers(0, 9),
)
def test_the_clip_table_matches_plain_loops(lengths, frames, stride, by, count, seed):
    valid = [np.random.default_rng(seed).random(length) < 0.8 for length in lengths]
    table = ClipTable.cut(valid, frames, stride, by=by, valid=count)
    expected = []
    cut = {"seq2seq": seq2seq_starts, "seq2frame": seq2frame_starts}[by]  # tested in test_windows.py
    for recording, length in enumerate(lengths):
        for start in cut(length, frames, stride).tolist():
            inside = [place for place in range(start, start + frames) if 0 <= place < length]
            good = [valid[recording][place] for place in inside]
            centre = valid[recording][min(max(start + frames // 2, 0), length - 1)]
            if inside and {"all": all(good), "any": any(good), "centre": centre}[count]:
                expected.append((recording, start))
    assert [*zip(table.recording.tolist(), table.start.tolist(), strict=True)] == expected


@pytest.mark.parametrize("inputs", [2, 3])
@pytest.mark.parametrize("centres", [False, True])
@pytest.mark.parametrize("stride", [9, 4])
def test_an_epoch_has_every_clip_of_the_training_subjects_once(store, stride, centres, inputs):
    settings = (f"data.stride={stride}", f"model.inputs={inputs}", *(CENTRE if centres else ()))
    source = batches(recipe(store, *settings))
    assert isinstance(source, Batches)
    assert source.coordinates == "screen"
    opened = Recordings.open(store)
    rows = clips_by_definition(opened, ("S1", "S5", "S6", "S7", "S8"), 9, stride, centres=centres)
    assert source.epoch == -(-len(rows) // 4)
    drawn = [source.draw(step, 0) for step in range(source.epoch)]
    assert all(len(sample.pose2d) == 4 for sample in drawn)
    pose2d, pose3d = (np.concatenate([getattr(s, n) for s in drawn]) for n in ("pose2d", "pose3d"))
    assert pose2d.dtype == pose3d.dtype == np.float32
    expected = [view_by_definition(store, clip, inputs) for clip in rows]
    clip_of = [int(np.argmin([np.abs(clip[1] - truth).sum() for clip in expected])) for truth in pose3d]
    assert sorted(clip_of[: len(rows)]) == [*range(len(rows))], "each clip once"
    filled = len(clip_of) - len(rows)
    assert clip_of[len(rows) :] == clip_of[:filled], "the last batch is filled up from the start of the order"
    for number, view, truth in zip(clip_of, pose2d, pose3d, strict=True):
        assert_allclose(view, expected[number][0], atol=1e-6)
        assert_allclose(truth, expected[number][1], atol=1e-6)
    second = np.concatenate([source.draw(source.epoch + step, 0).pose3d for step in range(source.epoch)])
    assert not np.array_equal(second, pose3d), "each epoch has its own order"


def test_a_batch_depends_only_on_the_seed_and_the_step(store):
    def draw(step, *settings):
        return batches(recipe(store, "data.flip=random", *settings)).draw(step, 0)

    one, same, later, other = draw(3), draw(3), draw(3 + 7 * 4), draw(3, "run.seed=5")
    assert_array_equal(one.pose2d, same.pose2d)
    assert not np.array_equal(one.pose3d, later.pose3d)
    assert not np.array_equal(one.pose3d, other.pose3d)


@pytest.mark.parametrize("how", ["none", "random", "both"])
@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_the_batch_of_a_single_process(store, how, workers):
    def clips(source, step, ranks):
        poses = [source.draw(step, rank) for rank in range(ranks)]
        return sorted(
            (view.tobytes(), truth.tobytes()) for s in poses for view, truth in zip(s.pose2d, s.pose3d, strict=True)
        )

    common = (f"data.flip={how}", "data.batch=8")
    alone, shared = (batches(recipe(store, *common, f"run.workers={count}")) for count in (1, workers))
    assert alone.epoch == shared.epoch
    for step in (0, 2, alone.epoch - 1, alone.epoch):
        assert clips(alone, step, 1) == clips(shared, step, workers)


def test_mirror_images_follow_the_flip_setting(store):
    plain = batches(recipe(store))
    both = batches(recipe(store, "data.flip=both", "data.batch=8"))
    sample, pairs = plain.draw(1, 0), both.draw(1, 0)
    assert both.epoch == plain.epoch
    for poses, paired in ((sample.pose2d, pairs.pose2d), (sample.pose3d, pairs.pose3d)):
        assert_array_equal(paired[:4], poses)
        assert_array_equal(paired[4:], flip(poses))
    chance = batches(recipe(store, "data.flip=random"))
    turned = []
    for step in range(40):
        sample, maybe = plain.draw(step, 0), chance.draw(step, 0)
        for clip in range(4):
            image = np.array_equal(maybe.pose3d[clip], flip(sample.pose3d[clip]))
            assert_array_equal(maybe.pose2d[clip], flip(sample.pose2d[clip]) if image else sample.pose2d[clip])
            assert_array_equal(maybe.pose3d[clip], flip(sample.pose3d[clip]) if image else sample.pose3d[clip])
            turned.append(image)
    assert 50 < sum(turned) < 110, "about one half of 160"


def test_validation_clips_are_the_same_for_every_recipe(store):
    sample = batches(recipe(store)).validation()["validation"]
    assert len(sample.pose2d) == 5
    other = batches(recipe(store, "run.seed=7", "data.batch=2")).validation()["validation"]
    assert_array_equal(sample.pose3d, other.pose3d)
    rows = clips_by_definition(Recordings.open(store), ("S9", "S11"), 9, 9, centres=False)
    expected = [view_by_definition(store, clip, 2)[1] for clip in rows]
    which = [int(np.argmin([np.abs(clip - truth).sum() for clip in expected])) for truth in sample.pose3d]
    for number, truth, counts in zip(which, sample.pose3d, sample.counts, strict=True):
        assert_allclose(truth, expected[number], atol=1e-6)
        first = [k for k in range(9) if rows[number][k] not in rows[number][:k]]
        inner = rows[number].count(rows[number][0]) == 1  # padding is before the first or after the last frame
        assert int(counts.sum()) == len(first)
        assert counts[0] == inner
    whole = batches(recipe(store, "run.validation_clips=1000")).validation()["validation"]
    assert len(whole.pose2d) == len(rows)


def test_invalid_frames_do_not_count(tmp_path):
    """Clips with an invalid frame are not trained on; if only the centre counts, those with an invalid centre."""
    broken = {"valid": lambda frames: (np.arange(frames) // 9 != 1) | (frames != 27)}
    store = written(tmp_path / "store", lengths=(27, 15), **broken)
    source = batches(recipe(store))
    assert len(source.clips) == (2 + 2) * 5, "the first and the last third of the long takes, both of the short ones"
    judged = source.validation()["validation"]
    assert len(judged.counts) == 5
    longer = recipe(store, "model.frames=15", "data.stride=15", "run.validation_clips=9")
    wide = batches(longer).validation()["validation"]
    assert sorted(wide.counts.sum(1)) == [9, 9, 9, 9, 15, 15], "9 of 15 where some are padding and some are invalid"
    centres = batches(recipe(store, "data.stride=1", *CENTRE))
    assert len(centres.clips) == (18 + 15) * 5
    assert centres.validation()["validation"].counts is None
    funnel = batches(recipe(store, "data.stride=1", "waist.kind=funnel", "waist.keep={1 = 3}"))
    assert len(funnel.clips) == (2 * 5 + 15) * 5, "a funnel may keep, and is trained on, any frame of a clip"
    with pytest.raises(DataError, match=r"no training clip of 25 frames with all of its frames valid.*model.frames"):
        batches(recipe(written(tmp_path / "long", lengths=(27,), **broken), "model.frames=25"))


def test_mpi_inf_3dhp_is_reordered_to_human36m(tmp_path):
    about = {"skeleton": "mpi_inf_3dhp17", "dataset": "MPI-INF-3DHP", "sources": ("gt",)}
    with write_recordings(tmp_path / "store", **about) as writer:
        for subject in ("S1", "TS2"):
            joints = np.arange(17.0)[None, :, None].repeat(9, 0)
            writer.add(
                subject=subject, action="a", take="a", camera="0", fps=25, size=(2048, 2048),
                points3d=joints * [1, 2, 3], points2d={"gt": joints * [10, 20]},
            )  # fmt: skip
    source = batches(recipe(tmp_path / "store", "data.keypoints=gt", "model.inputs=3", "data.batch=1"))
    sample = source.draw(0, 0)
    name = {"neck_nose": "head"}  # the only joint with different names
    for number, joint in enumerate(H36M_17.joints):
        theirs = MPI_INF_3DHP_17.index(name.get(joint, joint))
        root = MPI_INF_3DHP_17.index("pelvis")
        assert_allclose(sample.pose3d[0, 4, number], (theirs - root) * np.array([1, 2, 3]))
        assert_allclose(sample.pose2d[0, 4, number], [theirs * 20 / 2048 - 1, theirs * 40 / 2048 - 1, 1], atol=1e-6)
    assert source.about()["training"]["subjects"] == ["S1"]


def test_the_description_identifies_the_data(store):
    about = batches(recipe(store)).about()
    assert about["fingerprint"] == Recordings.open(store).fingerprint
    assert (about["dataset"], about["licence"], about["keypoints"]) == ("Human3.6M", "none", "cpn")
    assert about["training"]["subjects"] == ["S1", "S5", "S6", "S7", "S8"]
    assert about["training"]["recordings"] == 10
    assert about["training"]["clips"] == 5 * (3 + 4)
    assert about["validation"]["clips"] == 2 * (3 + 4)


def test_the_file_names_of_the_field_are_accepted(store):
    long, short = (batches(recipe(store, f"data.keypoints={name}")).draw(0, 0) for name in ("cpn_ft_h36m_dbb", "cpn"))
    assert_array_equal(long.pose2d, short.pose2d)


class TestRefusals:
    def test_an_unknown_source_of_2d_poses_is_refused(self, store):
        words = r"no 2D poses 'sh' of 10 of 10 training recordings.*there are gt, cpn: set data.keypoints.*h36m_sh.npz"
        with pytest.raises(DataError, match=words):
            batches(recipe(store, "data.keypoints=sh"))

    @pytest.mark.parametrize(
        ("subjects", "words"),
        [(("S1", "S5"), r"val; there are train \(S1, S5\)"), (("S9",), r"train; there are val \(S9\), test \(S9\)")],
    )
    def test_an_empty_split_is_refused(self, tmp_path, subjects, words):
        with pytest.raises(DataError, match=rf"has no split {words}"):
            batches(recipe(written(tmp_path / "store", subjects=subjects)))

    def test_a_data_set_without_a_split_is_refused(self, tmp_path):
        with pytest.raises(DataError, match=r"no split train; there are none, because the splits of 'mine'"):
            batches(recipe(written(tmp_path / "store", dataset="mine")))

    @pytest.mark.parametrize(("skeleton", "words"), [("coco17", "pelvis"), ("body25", "head_top")])
    def test_another_skeleton_is_refused(self, tmp_path, skeleton, words):
        with pytest.raises(DataError, match=rf"{skeleton}.*{words}"):
            batches(recipe(written(tmp_path / "store", skeleton=skeleton)))

    @pytest.mark.parametrize("name", ["points3d", "points2d-cpn", "scores-cpn"])
    def test_nan_in_the_folder_is_refused(self, tmp_path, name):
        """The writer refuses NaN, so the folder is changed afterwards."""
        store = written(tmp_path / "store", lengths=(9,))
        array = np.lib.format.open_memmap(store / f"{name}.npy", "r+")
        array[4] = np.nan
        array.flush()
        source = batches(recipe(store, "model.inputs=3", "data.batch=5"))
        with pytest.raises(DataError, match=r"S1 Walking 0, camera 1: frame 4 of .*is not a number.*prepare"):
            source.draw(0, 0)

    def test_recordings_need_the_keypoints_setting_and_it_needs_recordings(self, store, tmp_path):
        with pytest.raises(DataError, match=r"holds recordings: set data.keypoints to one of .*gt, cpn"):
            batches(Recipe().override(f"data.path={store}"))
        with pytest.raises(DataError, match=r"there is no folder of recordings"):
            batches(recipe(tmp_path / "none"))


def test_only_drawn_rows_are_read(tmp_path, monkeypatch):
    """All other rows may hold anything, and a clip takes two numbers in memory."""
    store = written(tmp_path / "store", lengths=(9000,), subjects=("S1", "S9"))
    source = batches(recipe(store, "data.stride=1", "data.flip=both", *CENTRE))
    assert isinstance(source, RecordedBatches)
    sizes = [value.nbytes for value in vars(source.clips).values() if isinstance(value, np.ndarray)]
    assert sum(sizes) == 8 * 9000
    array = np.lib.format.open_memmap(store / "points3d.npy", "r+")
    first = source.draw(0, 0)
    drawn = {(i % 9000) for n in (0, 1) for i in range(int(_start(source, n)), int(_start(source, n)) + 9)}
    array[[row for row in range(9000) if row not in drawn]] = np.nan
    array.flush()
    assert_array_equal(source.draw(0, 0).pose3d, first.pose3d)


def _start(source, place) -> int:
    from poseglass.training.recorded_batches import _order

    return source.clips.start[_order(source.recipe.run.seed, 0, len(source.clips))[place]]
