"""Atomic writes, early checks of output paths, and the lock on a folder."""

import errno
import os
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from poseglass.data.recordings.writer import write_recordings
from poseglass.errors import DataError, PoseglassError
from poseglass.files.writing import check_writable, folder_lock, is_pipe, writing


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "down" / "file.json"


class TestWriting:
    def test_the_file_appears_when_the_block_succeeds(self, file):
        with writing(file) as temporary:
            temporary.write_text("new")
            assert temporary.parent == file.parent
            assert temporary.suffix == ".json"
            assert not file.exists()
        assert file.read_text() == "new"
        assert [*file.parent.iterdir()] == [file]

    @pytest.mark.parametrize("kind", [KeyError, KeyboardInterrupt])
    def test_a_failure_keeps_the_old_file_and_raises_the_original_error(self, file, kind):
        file.parent.mkdir(parents=True)
        file.write_text("old")

        def fail():
            with writing(file) as temporary:
                temporary.write_text("half")
                raise kind

        with pytest.raises(kind):
            fail()
        assert file.read_text() == "old"
        assert [*file.parent.iterdir()] == [file]

    @pytest.mark.parametrize(
        ("code", "remedy"),
        [
            (errno.ENOSPC, "free some space, or choose another place"),
            (errno.EDQUOT, "free some space, or choose another place"),
            (errno.EFBIG, "free some space, or choose another place"),
            (errno.EACCES, "; choose another place"),
        ],
    )
    def test_system_errors_are_reported_with_a_remedy(self, file, code, remedy):
        def fail():
            with writing(file, DataError):
                raise OSError(code, os.strerror(code))

        with pytest.raises(DataError, match=f"cannot write .*file.json: {os.strerror(code)}.*{remedy}$"):
            fail()

    def test_a_new_file_has_ordinary_permissions(self, file):
        with writing(file):
            pass
        (file.parent / "other").touch()
        assert file.stat().st_mode == (file.parent / "other").stat().st_mode


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes are Unix's")
class TestLinksAndPipes:
    @pytest.mark.parametrize("exists", [True, False])
    def test_a_link_stays_and_its_target_is_written(self, tmp_path, exists):
        (tmp_path / "disk").mkdir()
        target, link, second = tmp_path / "disk" / "walk.json", tmp_path / "link.json", tmp_path / "second.json"
        if exists:
            target.write_text("old")
        link.symlink_to("disk/walk.json")
        second.symlink_to(link)
        check_writable(second)
        with writing(second) as temporary:
            temporary.write_text("new")
            assert temporary.parent == target.parent
        assert link.is_symlink()
        assert second.is_symlink()
        assert target.read_text() == "new"

    def test_a_link_that_leads_nowhere_is_refused(self, tmp_path):
        (tmp_path / "file").touch()
        (tmp_path / "link").symlink_to(tmp_path / "file" / "below")
        with pytest.raises(PoseglassError, match="file is a file, not a folder"):
            check_writable(tmp_path / "link")

    def test_a_pipe_gets_the_content_once_it_is_complete(self, tmp_path):
        pipe, got = tmp_path / "pipe.json", []
        os.mkfifo(pipe)
        check_writable(pipe)
        reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
        reader.start()
        with writing(pipe) as temporary:
            temporary.write_text("through")
        reader.join(5)
        assert got == ["through"]
        assert pipe.is_fifo()

    def test_the_name_of_an_open_file_is_written_not_replaced(self, tmp_path):
        with (tmp_path / "log").open("w+") as log:
            path = Path(f"/dev/fd/{log.fileno()}")
            check_writable(path)
            with writing(path) as temporary:
                temporary.write_text("through")
            assert log.read() == "through"

    def test_a_file_on_a_disk_below_dev_is_replaced(self, tmp_path):
        assert not is_pipe(Path("/dev/shm/new.npz"))
        assert is_pipe(Path("/dev/null"))


class TestCheck:
    def test_the_check_creates_nothing(self, file, tmp_path):
        check_writable(file)
        assert [*tmp_path.iterdir()] == []

    def test_a_folder_is_refused_where_a_file_is_expected(self, tmp_path):
        with pytest.raises(PoseglassError, match="expected a file, but this is a folder; choose another place"):
            check_writable(tmp_path)

    def test_a_path_below_a_file_is_refused(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match="file is a file, not a folder"):
            check_writable(tmp_path / "file" / "inside.json", DataError)


class TestLock:
    def test_a_second_process_is_refused_until_the_block_ends(self, tmp_path):
        folder = tmp_path / "run"
        code = textwrap.dedent(f"""
            from poseglass.errors import DataError
            from poseglass.files.writing import folder_lock
            try:
                with folder_lock({str(folder)!r}, DataError):
                    print("locked")
            except DataError as problem:
                print(problem)
        """)

        def other_process() -> str:
            return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

        with folder_lock(folder):
            assert "another process is working in" in other_process()
        assert other_process() == "locked\n"
        assert [*folder.iterdir()] == []

    def test_a_lock_in_a_folder_that_cannot_be_created_is_refused(self, tmp_path):
        (tmp_path / "file").touch()

        def lock():
            with folder_lock(tmp_path / "file" / "run", DataError):
                pass

        with pytest.raises(DataError, match="cannot write"):
            lock()


def test_the_umask_is_applied_and_never_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It belongs to the process: between two settings, files of other threads would be open to everybody."""
    set_umask = os.umask
    before = set_umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", lambda _: pytest.fail("the umask was set"))
        with writing(tmp_path / "file") as temporary:
            temporary.write_text("x")
        with write_recordings(tmp_path / "folder", skeleton="h36m17", dataset="x", sources=[]) as writer:
            who = {"subject": "a", "action": "b", "take": "c", "camera": "d"}
            writer.add(points3d=np.zeros((3, 17, 3)), points2d={}, fps=30, size=(9, 9), **who)
    finally:
        set_umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("file", "folder")] == [0o640, 0o750]
