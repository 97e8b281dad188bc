"""The processes of a local Airflow, as recorded by its host."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from floe_core.storage.files import write_together
from floe_orchestrator_airflow.local.processes import end, members_of_session, tree

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
