"""The page of a platform, served in this process, and Debian's chromium to look at it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from free_port import free_port
from playwright.sync_api import Browser, sync_playwright
from wait_for import wait_for

from floe_console.data.refresh import Platform
from floe_console.serve.app import application


@contextmanager
def served(platform: Platform) -> Iterator[str]:
    """Serve the page of a platform that is read in the background; give its address."""
    port = free_port()
    config = uvicorn.Config(application(platform), port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    platform.start()
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started, 60)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join(20)
        platform.stop()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start chromium; skip where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


class Looked:
    """A page that collects what the browser complains about."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page.set_default_timeout(30_000)
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog {dialog.message}"))
        self.url = url

    def _listen(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str = "") -> Looked:
        self.page.goto(self.url + path)
        return self
