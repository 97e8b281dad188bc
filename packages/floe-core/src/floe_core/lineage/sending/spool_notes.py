"""Notes on an event in the spool for the sending process; they are not sent.

The key `floe` is not part of OpenLineage's run event, and is removed before transports get it.
"""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.lineage.facets import Json

_KEY = "floe"


def with_notes(event: Json, *, has_whole_schema: bool, sources: Sequence[str]) -> Json:
    """Return an event noting whether its output's schema is complete, and inputs of no run."""
    notes: Json = {"sources": list(sources)} if sources else {}
    if has_whole_schema:
        notes["wholeSchema"] = True
    return {**event, _KEY: notes} if notes else event


def has_whole_schema(event: Json) -> bool:
    """Return whether the schema of the event's output is the warehouse's own."""
    return bool(event.get(_KEY, {}).get("wholeSchema"))


def sources_of(event: Json) -> frozenset[str]:
    """Return the names of the event's inputs that no run of its product produces."""
    return frozenset(event.get(_KEY, {}).get("sources", ()))
