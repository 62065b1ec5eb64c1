"""A tab of headless Chromium, offline, controlled through its debugging pipe."""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars --force-device-scale-factor=1 --remote-debugging-pipe"
)
WIDTH, HEIGHT = 1200, 800


class Browser:
    """One tab of headless Chromium. JSON messages end with a zero byte and go through file descriptors 3 and 4.

    Args:
        home: A folder for its files.
        flags: Further flags of the command line.
        offline: Whether nothing can be loaded from the network, this machine included.
    """

    def __init__(self, home: Path, *, flags: str = "", offline: bool = True) -> None:
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        # The shell gives the pipes the numbers that Chromium expects.
        start = f'exec "$0" {FLAGS} {flags} --user-data-dir="$1" about:blank 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", start, str(CHROMIUM), str(home)],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[dict] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask(
            "Network.emulateNetworkConditions", offline=offline, latency=0, downloadThroughput=0, uploadThroughput=0
        )

    def ask(self, method: str, **params: object) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def _read(self, patience: float = 60) -> dict:
        end = time.monotonic() + patience
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0, end - time.monotonic()))
            assert ready, f"Chromium did not answer for {patience} s"
            part = os.read(self._from, 1 << 20)
            assert part, "Chromium has exited"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, page: Path | str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
        """Open a file or an address, and wait until its script has set `window.poseglass`."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=page if isinstance(page, str) else page.as_uri())
        self.wait("window.poseglass !== undefined")

    def run(self, script: str) -> object:
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, script: str, patience: float = 30) -> None:
        end = time.monotonic() + patience
        while not self.run(script):
            assert time.monotonic() < end, f"{script} did not become true in {patience} s"
            time.sleep(0.02)

    def settle(self) -> None:
        """Wait until changes are drawn."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def mouse(self, kind: str, x: float, y: float, **details: object) -> None:
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **details)

    def drag(self, start: tuple[float, float], end: tuple[float, float], modifiers: int = 0) -> None:
        held = {"button": "left", "buttons": 1, "modifiers": modifiers}
        self.mouse("mousePressed", *start, clickCount=1, **held)
        self.mouse("mouseMoved", (start[0] + end[0]) / 2, (start[1] + end[1]) / 2, **held)
        self.mouse("mouseMoved", *end, **held)
        self.mouse("mouseReleased", *end, clickCount=1, button="left", modifiers=modifiers)

    def press(self, key: str) -> None:
        text = {"text": key} if len(key) == 1 else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, code="Space" if key == " " else key, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, code="Space" if key == " " else key)

    def box(self, selector: str) -> dict[str, float]:
        return self.run(f"JSON.parse(JSON.stringify(document.querySelector('{selector}').getBoundingClientRect()))")

    def picture(self) -> np.ndarray:
        self.settle()
        cv2 = pytest.importorskip("cv2")
        data = base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].astype(int)

    def complaints(self) -> list[str]:
        bad = [e for e in self.events if e["method"] in ("Runtime.exceptionThrown", "Log.entryAdded")]
        bad += [e for e in self.events if e["method"] == "Runtime.consoleAPICalled"]
        return [json.dumps(event) for event in bad]

    def requests(self) -> list[str]:
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def close(self) -> None:
        try:
            self._session = ""
            self.ask("Browser.close")
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._to)
            os.close(self._from)
