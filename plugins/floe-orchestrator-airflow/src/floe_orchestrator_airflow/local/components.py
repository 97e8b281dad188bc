"""Which processes a local Airflow consists of, as its host wrote it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from floe_core.atomic_files import write_together
from floe_orchestrator_airflow.local.processes import end, members_of_session, tree

COMPONENTS_FILE = "components.json"
HOST_FILE = "host.json"


def write_components(folder: Path, children: Mapping[int, str]) -> None:
    """Write down the components of the Airflow in a folder; `children` maps process id to name."""
    found = {name: pid for pid, name in children.items()}
    write_together(folder, {COMPONENTS_FILE: json.dumps(found).encode()})


def read_components(folder: Path) -> dict[str, int]:
    """Return name -> process id; nothing before the host has started any."""
    try:
        found: dict[str, int] = json.loads((folder / COMPONENTS_FILE).read_text())
    except FileNotFoundError:
        return {}
    return found


def write_host(folder: Path, pid: int) -> None:
    """Write down the host, whose session all of its Airflow is in."""
    (folder / COMPONENTS_FILE).unlink(missing_ok=True)
    write_together(folder, {HOST_FILE: json.dumps(pid).encode()})


def end_leftovers(folder: Path) -> None:
    """Kill what is left of the Airflow that ran in this folder before; it must not be in use."""
    try:
        session = int(json.loads((folder / HOST_FILE).read_text()))
    except (FileNotFoundError, ValueError):
        return
    left = members_of_session(session)
    # Where none of them is in the folder, the number has gone to another session since.
    if any(_works_in(process, folder) for process in left):
        family = {member.pid: member for process in left for member in tree(process.pid)}
        end(list(family.values()), patience=0)
    (folder / HOST_FILE).unlink(missing_ok=True)


def cpu_seconds(pid: int) -> float:
    """Return what a process and those below it have used, those that ended among them."""
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
