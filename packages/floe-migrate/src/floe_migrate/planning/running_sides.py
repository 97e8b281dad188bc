"""What the running orchestrators say: whether they respond, their runs, pools and listeners."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from floe_core.cli.doctor.services import check_services
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import PoolChecker
from floe_core.plugin_api.run_history import ListenerReporter
from floe_core.ports.ledger import LEDGER_VARIABLE
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_migrate.planning.finding import Finding, Kind
from floe_migrate.sides.side import SECONDS, LiveSide


def source_runs(source: LiveSide, jobs: Sequence[str]) -> Iterator[Finding]:
    """Yield the runs and the backfills of the jobs in progress, for which a move waits."""
    code = f"service:{source.name}"
    try:
        # A backfill that is over by now has had its runs.
        backfills = [each for name in jobs for each in source.backfills(name)]
        runs = [run for name in jobs for run in source.runs(name) if not run.is_over]
    except EnvironmentProblemError as error:
        what = f"{error}; runs in progress are unknown"
        yield Finding(code, "unknown", what, "start it, or give its manifest with --access")
        return
    for run in runs:
        what = f"run {run.run_id} of {run.job} is {run.state} on {source.name}; a move waits for it"
        yield Finding("runs", "note", what)
    for each in dict.fromkeys(backfills):
        what = f"{each} is in progress on {source.name}; a move waits for it"
        yield Finding("backfills", "note", what)
    if not runs:
        yield Finding("runs", "ok", f"{source.name} has no run of it in progress")


def target_service(target: LiveSide, jobs: Sequence[str]) -> Iterator[Finding]:
    """Yield whether the target responds, has the product, its pools and its connections."""
    code, result = f"service:{target.name}", target.plugin.validate_connection()
    if not result.success:
        what = "; ".join([f"{target.name}: {result.message}", *result.errors])
        fix = "start it, or give its manifest with --access"
        yield Finding(code, "unknown", f"{what}; what it lacks is unknown", fix)
        return
    yield Finding(code, "ok", f"{target.name}: {result.message}")
    missing = [name for name in jobs if target.shown(name) is None]
    if missing:
        what = f"{target.name} does not have {', '.join(missing)} yet"
        fix = "start the move, which records the owner, then deploy it there"
        yield Finding("deployed", "note", what, fix)
    yield from _pools(target)
    for name in sorted(target.artifacts.dbt.connections):
        what = f"credentials come from the connection {name}, which {target.name} must have as well"
        yield Finding(f"connection:{name}", "unknown", what)


def services(target: LiveSide) -> Iterator[Finding]:
    """Yield what `floe doctor` finds of the services that runs use, asked from here."""
    for each in check_services(target.artifacts):
        if each.severity != "ok":
            kind: Kind = "unknown" if each.severity == "problem" else "note"
            yield Finding(f"doctor:{each.subject}", kind, each.what, each.fix)


def _pools(target: LiveSide) -> Iterator[Finding]:
    if not target.artifacts.pools:
        return
    if not isinstance(target.plugin, PoolChecker):
        yield Finding("pools", "unknown", f"the plugin '{target.name}' cannot check pools")
        return
    try:
        problems = target.plugin.check_pools(target.artifacts)
    except EnvironmentProblemError as error:
        yield Finding("pools", "unknown", str(error))
        return
    for each in problems:
        yield Finding(f"pool:{each.pool}", "loss" if each.blocks else "note", each.what, each.fix)


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
