"""Send a product's lineage events in the background, with notes on them for the sender.

The key `floe` is not part of OpenLineage's run event, and is removed before transports get it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from floe_core.lineage.backend import config_file, manifest_transport
from floe_core.lineage.facets import Json
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.sending_process import SendingProcess, SendingProgram
from floe_core.storage.spooling.spool import Spool

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


_MODULE = "floe_core.lineage.sending.drainer_process"


class Delivery(SendingProcess):
    """A process that drains a product's spool of lineage events as long as this one lives."""

    def __init__(self, project_dir: Path, settings: LineageSettings) -> None:
        found = config_file(project_dir)
        program = SendingProgram(
            module=_MODULE,
            folder=project_dir,
            start={"project_dir": str(project_dir), "settings": settings.model_dump(mode="json")},
            environment={"OPENLINEAGE_CONFIG": str(found)} if found else {},
            shows_errors=manifest_transport(settings).get("type") == "console",
        )
        super().__init__([Spool(project_dir)], program)
