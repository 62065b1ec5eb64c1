"""``poseglass convert``."""

from pathlib import Path

import torch

from conftest import Run
from oracle import published
from poseglass.models import Card
from poseglass.weights import files as weights
from samples.commandline import names, succeeded


class TestConverting:
    def test_a_converted_checkpoint_gives_the_same_poses(self, poseglass: Run, workdir: Path) -> None:
        state = published.filled(published.mixste_shapes(frames=9, dim=16, depth=4, keep=3))
        published.write(state, workdir / "epoch.pth", "model_pos of module.")
        done = poseglass("convert", "epoch.pth", "ours", "--heads", 4, "--at", 2)
        succeeded(done)
        assert "a Hourglass around a MixSTE, 9 frames, to ours" in done.err
        clip = torch.randn(2, 9, 17, 2)
        with torch.no_grad():
            assert torch.equal(weights.load("ours")(clip), weights.load("epoch.pth", heads=4, at=2)(clip))

    def test_options_set_the_keypoints_and_skeleton_on_the_card(self, poseglass: Run, workdir: Path) -> None:
        published.write(published.filled(published.mixste_shapes(frames=9, dim=16, depth=2)), workdir / "x.pth")
        options = ("--keypoints", "gt", "--skeleton", "MPI-INF-3DHP17")
        succeeded(poseglass("convert", "x.pth", "ours", *options))
        model = weights.load("ours")
        assert model.card == Card(skeleton="mpi_inf_3dhp17", keypoints="gt", coordinates="screen")
        done = poseglass("convert", "x.pth", "more", "--skeleton", "halpe26")
        assert (done.code, names(workdir)) == (2, {"x.pth", "ours"})
        assert "halpe26 has 26 joints, but the checkpoint has 17" in " ".join(done.err.split())
        assert poseglass("convert", "x.pth", "more", "--skeleton", "smpl24").code == 1

    def test_the_units_are_as_published_or_as_chosen(self, poseglass: Run, workdir: Path) -> None:
        published.write(published.filled(published.motionagformer_shapes(lengths=(9, 9), dim=16)), workdir / "x.pth")
        for options, units in (
            ([], "screen"),
            (["--units", "metres"], "metres"),
            (["--skeleton", "mpi_inf_3dhp17"], "metres"),
        ):
            assert poseglass("convert", "x.pth", "ours", *options).code == 0
            assert weights.load("ours").card.units == units
        done = poseglass("convert", "x.pth", "other", "--units", "feet")
        assert (done.code, names(workdir)) == (1, {"x.pth", "ours"})
        assert "units should be metres or screen, not 'feet'" in done.err

    def test_a_pruning_layer_of_a_checkpoint_without_a_waist_is_refused(self, poseglass: Run, workdir: Path) -> None:
        published.write(published.filled(published.mixste_shapes(frames=9, dim=16, depth=2)), workdir / "x.pth")
        done = poseglass("convert", "x.pth", "ours", "--at", 1)
        assert (done.code, names(workdir)) == (2, {"x.pth"})
        assert "x.pth has no waist" in " ".join(done.err.split())

    def test_files_that_are_not_checkpoints_are_refused(self, poseglass: Run, workdir: Path) -> None:
        (workdir / "notes.pth").write_text("no weights")
        done = poseglass("convert", "notes.pth", "ours")
        assert (done.code, names(workdir)) == (1, {"notes.pth"})
        assert "notes.pth is not a PyTorch checkpoint" in done.err
