"""End processes and their descendants, and find out who listens at a port."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

import psutil  # type: ignore[import-untyped]

PATIENCE_SECONDS = 4.0


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
