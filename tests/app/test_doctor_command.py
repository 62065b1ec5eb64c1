"""``poseglass doctor``."""

from importlib import metadata

import pytest

from conftest import Run
from poseglass.detect import fetch
from poseglass.errors import DetectorError


@pytest.fixture
def empty_cache(monkeypatch, tmp_path):
    """A machine whose cache is empty and that has no network."""
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path))

    def offline(source):
        raise DetectorError("no network")

    monkeypatch.setattr(fetch, "_built", offline)
    return tmp_path


class TestDoctor:
    def test_it_reports_versions_extras_devices_and_weights(self, poseglass: Run, empty_cache) -> None:
        done = poseglass("doctor")
        lines = [" ".join(line.split()) for line in done.out.splitlines()]
        assert f"+ torch {metadata.version('torch')}" in lines
        assert "+ video av, mediapipe, opencv-contrib-python, pillow" in lines
        assert any(line.startswith("+ cpu") for line in lines)
        assert "+ balanced Hourglass of 81 frames" in lines
        assert not any("dev" in line.split()[:2] for line in lines), "contributors' packages are left out"

    def test_missing_weights_of_the_detector_are_named_with_the_remedy(self, poseglass: Run, empty_cache) -> None:
        done = poseglass("doctor")
        assert done.code == 1
        assert "- mediapipe full   not fetched yet, 35 MB: poseglass doctor --fetch full" in done.out
        assert done.out.rstrip().endswith("the first video fetches the detector's weights; see --fetch")

    def test_a_missing_package_is_named_with_the_command_that_installs_it(
        self, poseglass: Run, empty_cache, monkeypatch
    ) -> None:
        version = metadata.version

        def without_av(name):
            if name == "av":
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(metadata, "version", without_av)
        done = poseglass("doctor")
        assert done.code == 1
        assert "- video     av missing: pip install 'poseglass[video]'" in done.out
        assert "does not work yet: av missing" in done.out

    def test_a_fetch_without_a_network_fails_with_its_cause(self, poseglass: Run, empty_cache) -> None:
        done = poseglass("doctor", "--fetch", "lite")
        assert done.code == 1
        assert "could not be fetched: no network" in done.err

    def test_an_unknown_size_is_refused(self, poseglass: Run, empty_cache) -> None:
        done = poseglass("doctor", "--fetch", "huge")
        assert done.code == 2
        assert "choose one of lite, full, heavy, or all" in " ".join(done.err.split())

    def test_weights_in_the_cache_are_shown_by_their_path(self, poseglass: Run, tmp_path, monkeypatch) -> None:
        path = tmp_path / fetch.TASKS["full"].name
        monkeypatch.setattr(fetch, "fetched", lambda source=fetch.TASKS["full"]: path)
        monkeypatch.setattr("poseglass.detect.make_detector", lambda name: None)
        done = poseglass("doctor")
        assert done.code == 0
        assert str(path) in done.out
        assert done.out.rstrip().endswith("lifting videos works")
