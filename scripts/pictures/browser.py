"""Headless Chromium, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websocket

WIDTH, HEIGHT = 1600, 900
PIXELS_A_POINT = 1.5
START_SECONDS = 60.0
PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Clip:
    """The part of a page that a picture shows, in CSS pixels."""

    x: int = 0
    y: int = 0
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(slots=True)
class Page:
    """One tab, of a window of WIDTH x HEIGHT."""

    socket: websocket.WebSocket
    _sent: int = field(default=0)

    def open(self, url: str, *, ready: str, settled_seconds: float = 2.0) -> None:
        """Load an address and wait until the JavaScript expression `ready` is true.

        Raises:
            TimeoutError: It was not within PATIENCE_SECONDS.
        """
        self.send("Page.navigate", url=url)
        self.wait_for(ready)
        # What moves when it appears comes to rest.
        time.sleep(settled_seconds)

    def wait_for(self, ready: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.evaluate(f"Boolean({ready})"):
            if time.monotonic() > deadline:
                shown = self.evaluate("document.body.innerText.slice(0, 2000)")
                raise TimeoutError(f"never true: {ready}\nthe page shows:\n{shown}")
            time.sleep(0.3)

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; None for one that throws."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def take(self, path: Path, clip: Clip = Clip()) -> None:
        """Write the picture of a part of the page."""
        answer = self.send(
            "Page.captureScreenshot",
            format="png",
            clip={"x": clip.x, "y": clip.y, "width": clip.width, "height": clip.height, "scale": 1},
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def press(self, label: str) -> None:
        """Press the button that has this name for screen readers, or this title.

        Raises:
            LookupError: There is none.
        """
        named = f"button:is([aria-label={json.dumps(label)}], [title={json.dumps(label)}])"
        button = f"document.querySelector('{named}')"
        if not self.evaluate(f"{button} && ({button}.click(), true)"):
            raise LookupError(f"the page has no button {label!r}")

    def click(self, x: float, y: float) -> None:
        """Click on a point of the page, in CSS pixels."""
        self._mouse("mousePressed", x, y)
        self._mouse("mouseReleased", x, y)

    def drag(self, start: tuple[float, float], by: tuple[float, float]) -> None:
        """Take hold of a point and move it, to the right and down."""
        end = (start[0] + by[0], start[1] + by[1])
        self._mouse("mousePressed", *start)
        self._mouse("mouseMoved", (start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self._mouse("mouseMoved", *end)
        self._mouse("mouseReleased", *end)

    def _mouse(self, kind: str, x: float, y: float) -> None:
        held = {"button": "left", "buttons": 1, "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **held)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to one command of the protocol.

        Raises:
            RuntimeError: Chromium refused.
        """
        self._sent += 1
        self.socket.send(json.dumps({"id": self._sent, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == self._sent:
                break
        if "error" in message:
            raise RuntimeError(f"{method}: {message['error']['message']}")
        result: dict[str, Any] = message["result"]
        return result


def shows(text: str) -> str:
    """Return an expression that is true once the page shows a text."""
    return f"document.body.innerText.includes('{text}')"


@contextmanager
def browser(program: str) -> Iterator[Page]:
    """Start Chromium with a profile of its own, and give its one page."""
    with tempfile.TemporaryDirectory(
        prefix="floe-chromium-", ignore_cleanup_errors=True
    ) as profile:
        command = [
            *(program, "--headless=new", "--no-sandbox", "--hide-scrollbars", "--no-first-run"),
            *("--disable-dev-shm-usage", "--lang=en-GB"),
            # Prefect draws its graph with WebGL, here without a GPU.
            *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
            *("--remote-debugging-port=0", f"--user-data-dir={profile}"),
            *(f"--window-size={WIDTH},{HEIGHT}", "--remote-allow-origins=*", "about:blank"),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            socket = websocket.create_connection(_address(Path(profile)), timeout=120)
            page = Page(socket)
            _set_up(page)
            yield page
            with suppress(websocket.WebSocketException):
                socket.close()
        finally:
            process.terminate()
            process.wait(30)


def _set_up(page: Page) -> None:
    page.send("Page.enable")
    page.send("Runtime.enable")
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=WIDTH,
        height=HEIGHT,
        deviceScaleFactor=PIXELS_A_POINT,
        mobile=False,
    )
    light = [{"name": "prefers-color-scheme", "value": "light"}]
    page.send("Emulation.setEmulatedMedia", features=light)
    page.send("Emulation.setTimezoneOverride", timezoneId="UTC")


def _address(profile: Path) -> str:
    """Return the WebSocket address of the page that a starting Chromium opens."""
    port_file = profile / "DevToolsActivePort"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, IndexError):
            port = port_file.read_text().splitlines()[0]
            with opener.open(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
                targets = json.load(answer)
            return next(t["webSocketDebuggerUrl"] for t in targets if t["type"] == "page")
        time.sleep(0.2)
    raise TimeoutError(f"Chromium was not up within {START_SECONDS:.0f} s")
