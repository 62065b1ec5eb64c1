"""The folder of files that are kept between runs."""

from pathlib import Path

import pytest

from poseglass.files.cache import cache_folder


def test_the_cache_folder_follows_the_environment_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("POSEGLASS_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.setenv("POSEGLASS_CACHE", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"
    monkeypatch.delenv("POSEGLASS_CACHE")
    assert "poseglass" in cache_folder().parts
