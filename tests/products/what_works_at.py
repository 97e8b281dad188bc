"""Which processes work in a folder."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from floe_core.schemas import CompiledArtifacts


def processes_at(folder: Path, patience: float = 20.0, but: str | None = None) -> list[str]:
    """Return what still works in a folder: there by its name, or with a file of it open.

    Command lines that end with `but` are left out.
    """
    deadline = time.monotonic() + patience
    while (left := _working_at(folder, but)) and time.monotonic() < deadline:
        time.sleep(0.3)
    return left


def _working_at(folder: Path, but: str | None) -> list[str]:
    found = []
    for process in psutil.process_iter():
        if process.pid == psutil.Process().pid:
            continue
        try:
            if _is_our_tracker(process):
                continue
            words = [process.cwd(), *process.cmdline(), *open_files(process)]
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in w for w in words):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return [line for line in found if but is None or not line.endswith(but)]


def _is_our_tracker(process: psutil.Process) -> bool:
    """Tell whether it keeps Python's semaphores for this process, wherever it was started."""
    is_tracker = any("multiprocessing.resource_tracker" in word for word in process.cmdline())
    return is_tracker and process.ppid() == psutil.Process().pid


def open_files(process: psutil.Process) -> list[str]:
    """Return the files that a process has open; none for one that is gone or not ours."""
    try:
        return [file.path for file in process.open_files()]
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []


def worker_of_step_in(artifacts: CompiledArtifacts) -> psutil.Process:
    """Return the process that runs the build: the parent of the guard of its step."""
    folder = str(artifacts.folder)
    for process in psutil.process_iter():
        try:
            if process.cwd() == folder and any(
                "process_guard" in word for word in process.cmdline()
            ):
                parent = process.parent()
                assert parent is not None
                return parent
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    raise AssertionError("no step is running")
