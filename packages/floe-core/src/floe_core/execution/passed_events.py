"""Change the events of a build before anything stores or reports them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import replace

from floe_core.dbt.run import DbtEnded
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, PartitionResult
from floe_core.secrets.redactor import Redactor

Events = Generator[BuildEvent | DbtEnded, None, None]


def put_first(results: Iterable[NodeResult], events: Events) -> Events:
    """Yield results, and then the events."""
    with closing(events):
        yield from results
        yield from events


def with_warning(text: str, events: Events) -> Events:
    """Yield a warning of floe's, unless it is "", and then the events."""
    with closing(events):
        if text:
            yield NodeLog("", "warn", text, is_from_floe=True)
        yield from events


def without_secrets(events: Events, redactor: Redactor) -> Events:
    """Yield the events with secrets removed from their texts, before anything stores them."""
    with closing(events):
        for event in events:
            if isinstance(event, NodeLog):
                yield replace(event, text=redactor.text(event.text))
            elif isinstance(event, NodeResult) and (event.message or event.datasets):
                told = [replace(d, version=redactor.text(d.version)) for d in event.datasets]
                yield replace(event, message=redactor.text(event.message), datasets=tuple(told))
            elif isinstance(event, PartitionResult) and event.message:
                yield replace(event, message=redactor.text(event.message))
            elif isinstance(event, DbtEnded) and event.problem:
                yield replace(event, problem=redactor.text(event.problem))
            else:
                yield event
