"""The processes of a local Airflow, as recorded by its host."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from floe_core.storage.files import write_together

PATIENCE_SECONDS = 4.0

COMPONENTS_FILE = "components.json"
HOST_FILE = "host.json"


def write_components(folder: Path, children: Mapping[int, str]) -> None:
    """Record the components of the Airflow in a folder; `children` maps process id to name."""
    found = {name: pid for pid, name in children.items()}
    write_together(folder, {COMPONENTS_FILE: json.dumps(found).encode()})


def read_components(folder: Path) -> dict[str, int]:
    """Return name -> process id; empty before the host has started any component."""
    try:
        found: dict[str, int] = json.loads((folder / COMPONENTS_FILE).read_text())
    except FileNotFoundError:
        return {}
    return found


def write_host(folder: Path, pid: int) -> None:
    """Record the host, whose session contains all processes of its Airflow."""
    (folder / COMPONENTS_FILE).unlink(missing_ok=True)
    write_together(folder, {HOST_FILE: json.dumps(pid).encode()})


def end_leftovers(folder: Path) -> None:
    """Kill leftover processes of an earlier Airflow in this folder, which must not be in use."""
    try:
        session = int(json.loads((folder / HOST_FILE).read_text()))
    except (FileNotFoundError, ValueError):
        return
    left = members_of_session(session)
    # If none of them works in the folder, the id now belongs to another session.
    if any(_works_in(process, folder) for process in left):
        family = {member.pid: member for process in left for member in tree(process.pid)}
        end(list(family.values()), patience=0)
    (folder / HOST_FILE).unlink(missing_ok=True)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its descendants, including those that have ended."""
    total = 0.0
    for process in tree(pid):
        try:
            total += sum(process.cpu_times()[:4])
        except psutil.NoSuchProcess:
            continue
    return total


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return bool(Path(process.cwd()) == folder.resolve())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def end_descendants(pid: int) -> None:
    """Terminate every descendant of this process, then kill the rest, until none is left."""
    end(_descendants(pid))
    kill_descendants(pid)


def kill_descendants(pid: int) -> None:
    """Kill every descendant of this process, until none is left."""
    while left := _descendants(pid):
        end(left, patience=0)


def end(processes: list[psutil.Process], patience: float = PATIENCE_SECONDS) -> None:
    """Terminate these processes, and kill those that have not ended after `patience` seconds."""
    for process in processes:
        _signal(process, kill=patience == 0)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        _signal(process, kill=True)
    psutil.wait_procs(alive, timeout=PATIENCE_SECONDS)


def members_of_session(session: int) -> list[psutil.Process]:
    """Return the processes of a Unix session, except this process."""
    own = os.getpid()
    return [
        process
        for process in psutil.process_iter()
        if process.pid != own and _session_of(process.pid) == session and _is_running(process)
    ]


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and its descendants; nothing if it is gone."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return []
    return [process, *_descendants(pid)]


def listens(pid: int, port: int) -> bool:
    """Return whether a process or one of its descendants listens at a TCP port."""
    for process in tree(pid):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            for each in process.net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN and each.laddr.port == port:
                    return True
    return False


def answers(host: str, port: int) -> bool:
    """Return whether anyone listens at a TCP port."""
    with suppress(OSError):
        socket.create_connection((host, port), timeout=1).close()
        return True
    return False


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in found if _is_running(process)]


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        if kill:
            process.kill()
        else:
            process.terminate()
    except psutil.NoSuchProcess:
        pass
