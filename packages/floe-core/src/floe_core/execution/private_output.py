"""Keep secrets out of what a build leaves: its events, and its folders of compiled code."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from floe_core.dbt.call import DbtEnded
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, PartitionResult
from floe_core.secrets.redactor import Redactor

Event = BuildEvent | DbtEnded
Events = Generator[Event, None, None]


def without_secrets(event: Event, redactor: Redactor) -> Event:
    """Return an event with secrets removed from its texts."""
    if isinstance(event, NodeLog):
        return replace(event, text=redactor.text(event.text))
    if isinstance(event, NodeResult) and (event.message or event.datasets):
        told = [replace(d, version=redactor.text(d.version)) for d in event.datasets]
        return replace(event, message=redactor.text(event.message), datasets=tuple(told))
    if isinstance(event, PartitionResult) and event.message:
        return replace(event, message=redactor.text(event.message))
    if isinstance(event, DbtEnded) and event.problem:
        return replace(event, problem=redactor.text(event.problem))
    return event


_FOLDER, _FILE = 0o700, 0o600


def make_private(folder: Path) -> None:
    """Create a folder that only its owner may enter, before anything is in it."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_FOLDER)


def close_to_others(folder: Path) -> None:
    """Make the files in a folder private as well, in case they are moved out of it."""
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            path.chmod(_FOLDER if path.is_dir() else _FILE)
