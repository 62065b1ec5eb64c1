"""Packages from a registry on this machine: an npm registry that serves one package, and a folder of wheels."""

import base64
import hashlib
import io
import json
import os
import shutil
import socket
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from poseglass.detect.packages import NpmPackage, Wheel, _run, checked
from poseglass.errors import DetectorError

BALL = "package/ball.txt"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def archive_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        folder = tarfile.TarInfo("package/empty")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


ARCHIVE = archive_of({"package/package.json": b'{"name": "@toys/ball", "version": "1.2.3"}', BALL: b"red\n"})


class Registry(BaseHTTPRequestHandler):
    """Answers like npm's registry: a description of the package, and its archive."""

    def do_GET(self) -> None:
        host = f"http://{self.headers['Host']}"
        if self.path == "/@toys/ball/-/ball-1.2.3.tgz":
            body = ARCHIVE
        elif self.path.lower() == "/@toys%2fball":
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(ARCHIVE).digest()).decode()
            dist = {"tarball": f"{host}/@toys/ball/-/ball-1.2.3.tgz", "integrity": integrity}
            version = {"name": "@toys/ball", "version": "1.2.3", "dist": dist}
            names = {"name": "@toys/ball", "dist-tags": {"latest": "1.2.3"}}
            body = json.dumps({**names, "versions": {"1.2.3": version}}).encode()
        else:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in {"REGISTRY": address, "CACHE": str(tmp_path / "npm"), "USERCONFIG": os.devnull}.items():
            monkeypatch.setenv(f"NPM_CONFIG_{name}", value)
        monkeypatch.setenv("NPM_CONFIG_FETCH_RETRIES", "0")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield address
        server.shutdown()


@pytest.fixture(params=["with npm", "without npm"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "with npm" and shutil.which("npm") is None:
        pytest.skip("needs npm")
    if request.param == "without npm":
        monkeypatch.setenv("PATH", "")
    return str(request.param)


@pytest.mark.usefixtures("client")
class TestNpm:
    BALL_PACKAGE = NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1)

    def test_files_of_a_package_are_read(self) -> None:
        assert self.BALL_PACKAGE.requirement == "@toys/ball@1.2.3"
        assert self.BALL_PACKAGE.read([BALL]) == {BALL: b"red\n"}

    def test_a_package_with_another_checksum_is_refused(self) -> None:
        with pytest.raises(
            DetectorError, match="@toys/ball@1.2.3 must have the SHA-256 aaaa.*, got " + sha256(ARCHIVE)
        ):
            NpmPackage("@toys/ball", "1.2.3", "a" * 64, 1).read([BALL])

    @pytest.mark.parametrize("member", ["package/missing", "package/empty"])
    def test_a_file_that_the_package_lacks_is_named(self, member: str) -> None:
        with pytest.raises(DetectorError, match=f"cannot be read.*{member}"):
            self.BALL_PACKAGE.read([member])

    def test_a_package_that_does_not_exist_gives_the_registrys_answer(self) -> None:
        with pytest.raises(DetectorError, match="404"):
            NpmPackage("@toys/bat", "1.0.0", sha256(ARCHIVE), 1).read([BALL])

    def test_no_temporary_folder_stays(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "temporary").mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
        self.BALL_PACKAGE.read([BALL])
        with pytest.raises(DetectorError):
            self.BALL_PACKAGE.read(["package/missing"])
        assert not list((tmp_path / "temporary").iterdir())


def test_without_npm_a_registry_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("NPM_CONFIG_REGISTRY")
    with pytest.raises(DetectorError, match=r"ball@1\.2\.3 needs npm.*install Node\.js, or set NPM_CONFIG_REGISTRY"):
        NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1).read([BALL])


def test_without_npm_only_web_addresses_are_registries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", tmp_path.as_uri())
    with pytest.raises(DetectorError, match="NPM_CONFIG_REGISTRY must be an http"):
        NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1).read([BALL])


def test_a_registry_that_cannot_be_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1")
    with pytest.raises(DetectorError, match=r"http://127\.0\.0\.1:1/@toys/ball/-/ball-1\.2\.3\.tgz: .*refused"):
        NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1).read([BALL])


@pytest.mark.parametrize(
    "answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"]
)
def test_a_broken_answer_of_a_registry_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        monkeypatch.setenv("PATH", "")
        monkeypatch.setenv("NPM_CONFIG_REGISTRY", address)
        with pytest.raises(DetectorError, match=f"{address}/@toys/ball/-/ball"):
            NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1).read([BALL])
        thread.join()


@pytest.mark.parametrize("registry", ["http://[x", "http://a b"])
def test_an_invalid_address_of_a_registry_is_an_error_of_ours(monkeypatch: pytest.MonkeyPatch, registry: str) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", registry)
    with pytest.raises(DetectorError, match="ball-1"):
        NpmPackage("@toys/ball", "1.2.3", sha256(ARCHIVE), 1).read([BALL])


class TestWheels:
    @pytest.fixture
    def wheel(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
        """The only wheel that pip can find."""
        folder = tmp_path / "wheels"
        folder.mkdir()
        path = folder / "ball-1.2.3-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("ball/ball.txt", "red\n")
            archive.writestr("ball-1.2.3.dist-info/METADATA", "Metadata-Version: 2.1\nName: ball\nVersion: 1.2.3\n")
            archive.writestr("ball-1.2.3.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
        monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "missing.txt"))  # must play no part
        return path.read_bytes()

    def test_files_of_a_wheel_are_read(self, wheel: bytes) -> None:
        assert Wheel("ball==1.2.3", sha256(wheel), 1).read(["ball/ball.txt"]) == {"ball/ball.txt": b"red\n"}

    def test_a_wheel_with_another_checksum_is_refused(self, wheel: bytes) -> None:
        with pytest.raises(DetectorError, match=r"HASHES|hash"):
            Wheel("ball==1.2.3", "a" * 64, 1).read(["ball/ball.txt"])

    def test_a_file_that_the_wheel_lacks_is_named(self, wheel: bytes) -> None:
        with pytest.raises(DetectorError, match=r"ball==1\.2\.3 cannot be read.*missing"):
            Wheel("ball==1.2.3", sha256(wheel), 1).read(["missing"])


def test_the_cause_that_pip_warns_of_is_in_the_error(tmp_path: Path) -> None:
    warning = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError: refused': /x"
    script = f"import sys; sys.exit({warning!r} + '\\nERROR: No matching distribution found')"
    with pytest.raises(DetectorError, match=r"No matching distribution found .'NewConnectionError: refused': /x.$"):
        _run([sys.executable, "-c", script], dict(os.environ), str(tmp_path))


def test_content_is_checked() -> None:
    assert checked(b"red\n", sha256(b"red\n"), "ball.txt") == b"red\n"
    with pytest.raises(DetectorError, match=r"ball\.txt must have the SHA-256"):
        checked(b"blue\n", sha256(b"red\n"), "ball.txt")
