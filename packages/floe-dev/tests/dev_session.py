"""A `floe dev` in a process of its own, read line by line, for tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import duckdb
import psutil

FLOE = Path(sys.executable).with_name("floe")
PATIENCE = 240.0
MODEL = "models/first_model.sql"


class Dev:
    """A `floe dev` that has been started; `lines` are what it has printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [FLOE, "dev", folder, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
            # ^C of a test is not meant for it, and its own reaches nobody else.
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def await_line(self, text: str, after: int = 0) -> int:
        """Wait for a line with this text; return the number of lines up to it."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for number, line in enumerate(self.lines[after:], after + 1):
                if text in line:
                    return number
            if self.process.poll() is not None and not any(text in each for each in self.lines):
                break
            time.sleep(0.1)
        raise AssertionError(f"no line with {text!r} in\n" + "\n".join(self.lines))

    @property
    def pages(self) -> str:
        return str(json.loads((self.folder / ".floe/dev.json").read_text())["pages"])

    def processes(self) -> list[psutil.Process]:
        """Return all its processes, itself last."""
        own = psutil.Process(self.process.pid)
        return [*own.children(recursive=True), own]

    def interrupt(self) -> int:
        """Interrupt it as ^C does; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))


@contextmanager
def dev_of(folder: Path, *arguments: str) -> Iterator[Dev]:
    """Start a `floe dev`; whatever happens, it is gone at the end."""
    dev = Dev(folder, *arguments)
    try:
        yield dev
    finally:
        if dev.process.poll() is None:
            dev.interrupt()


def alive(processes: list[psutil.Process]) -> list[list[str]]:
    """Return the command lines of those that run; one that only nobody has waited for does not."""
    found = []
    psutil.wait_procs(processes, timeout=10)
    for process in processes:
        with suppress(psutil.Error):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
    return found


def left_of(folder: Path, seconds: float = 10.0) -> list[str]:
    """Return the command lines of processes that name a folder, after a wait for their ends."""
    deadline = time.monotonic() + seconds
    while (found := _processes_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _processes_of(folder: Path) -> list[str]:
    needle, found = str(folder).encode(), []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            known = words + (process / "environ").read_bytes()
        except OSError:
            continue
        if words and needle in known and int(process.name) != os.getpid():
            found.append(words.replace(b"\0", b" ").decode(errors="replace"))
    return found


def product(folder: Path, orchestrator: str) -> Path:
    shop = folder / "shop"
    subprocess.run([FLOE, "init", shop], check=True, capture_output=True)
    manifest = shop / "manifest.yaml"
    manifest.write_text(manifest.read_text().replace("type: dagster", f"type: {orchestrator}"))
    return shop


def floe(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FLOE, *arguments], capture_output=True, text=True, check=False)


def run(shop: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(floe("run", shop, "--json").stdout)
    return found


def value(shop: Path) -> Any:
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as warehouse:
        return warehouse.execute("select id from main.first_model").fetchall()


def write(shop: Path, sql: str) -> None:
    (shop / MODEL).write_text(sql)


def count_runs(dev: Dev, orchestrator: str) -> int:
    if orchestrator == "dagster":
        query = "{ runsOrError { ... on Runs { results { runId } } } }"
        return len(post(f"{dev.pages}/graphql", {"query": query})["data"]["runsOrError"]["results"])
    if orchestrator == "prefect":
        return len(post(f"{dev.pages}/api/flow_runs/filter", {}))
    token = json.loads(urllib.request.urlopen(f"{dev.pages}/auth/token").read())["access_token"]
    request = urllib.request.Request(
        f"{dev.pages}/api/v2/dags/shop/dagRuns", headers={"Authorization": f"Bearer {token}"}
    )
    return int(json.loads(urllib.request.urlopen(request).read())["total_entries"])


def post(url: str, body: dict[str, Any]) -> Any:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return json.loads(urllib.request.urlopen(request).read())
