"""Change the events of a build before anything stores or reports them."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from floe_core.dbt.run import DbtEnded
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
