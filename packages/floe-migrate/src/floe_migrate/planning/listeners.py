"""Who outside of floe starts when the source builds the product."""

from __future__ import annotations

from collections.abc import Iterator

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.listeners import ListenerReporter
from floe_migrate.planning.finding import Finding
from floe_migrate.sides.side import SECONDS, LiveSide


def listeners(source: LiveSide) -> Iterator[Finding]:
    """Yield what starts by the product's assets on the source, and will not on another one."""
    if not isinstance(source.plugin, ListenerReporter):
        what = f"what else starts by the product's assets on {source.name} is unknown"
        yield Finding("listeners", "unknown", what, "look in its pages, and accept it")
        return
    try:
        found = source.plugin.listeners_of(source.artifacts, SECONDS)
    except EnvironmentProblemError as error:
        what = f"{error}; what else starts by the product's assets is unknown"
        yield Finding("listeners", "unknown", what)
        return
    for each in found:
        yield Finding("listeners", "loss", f"{each} no longer starts once {source.name} is left")
    if not found:
        yield Finding("listeners", "ok", f"nothing else on {source.name} starts by its assets")
