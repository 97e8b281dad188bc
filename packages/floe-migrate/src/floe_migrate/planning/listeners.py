"""Who outside of floe starts when the source builds the product."""

from __future__ import annotations

import os
from collections.abc import Iterator

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import ListenerReporter
from floe_core.ports.ledger import LEDGER_VARIABLE
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_migrate.planning.finding import Finding
from floe_migrate.sides.side import SECONDS, LiveSide


def listeners(source: LiveSide, target: str) -> Iterator[Finding]:
    """Yield what starts by the product's assets on the source, and how it starts after the move."""
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
    fix = _new_feed(source.artifacts, source.name, target)
    for each in found:
        what = f"{each} no longer starts once {source.name} is left: nothing updates its assets"
        yield Finding("listeners", "loss", f"{what} there", fix)
    if not found:
        yield Finding("listeners", "ok", f"nothing else on {source.name} starts by its assets")
    if ports := _ledger_ports(source.artifacts):
        what = f"products that read {', '.join(ports)} start by the ledger, as before"
        yield Finding("listeners", "note", what)


def _new_feed(artifacts: CompiledArtifacts, source: str, target: str) -> str:
    """Return what feeds a listener after the move, and what its owner has to do for it."""
    ports = _ledger_ports(artifacts)
    port = f"the port {' or '.join(ports)}" if ports else "that port"
    first = "" if ports else "offer its table as an output port, with a `ledger` in the manifest; "
    return (
        f"{first}leave a product on {source} that reads {port} with `schedule: {{onUpdate: any}}`, "
        f"and listen to the assets of that one; or move what listens to {target} as well"
    )


def _ledger_ports(artifacts: CompiledArtifacts) -> list[str]:
    """Return the keys of a product's ports whose updates any orchestrator records."""
    has_ledger = os.environ.get(LEDGER_VARIABLE) or artifacts.ledger
    return [port.key_in(artifacts.product.name) for port in artifacts.ports] if has_ledger else []
