"""What the source remembers of a product: shared with the target, or left behind."""

from __future__ import annotations

import os
from collections.abc import Iterator

from floe_core.alerts.alert_store import STORE_VARIABLE as ALERTS_VARIABLE
from floe_core.alerts.alert_store import store_place
from floe_core.foundation.errors import UsageError
from floe_core.partitions.store import STORE_VARIABLE as PARTITIONS_VARIABLE
from floe_core.ports.ledger import LEDGER_VARIABLE
from floe_core.reuse.state_store import STORE_VARIABLE as REUSE_VARIABLE
from floe_core.schedules.schedule_store import STORE_VARIABLE as SCHEDULES_VARIABLE
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_migrate.planning.finding import Finding
from floe_migrate.sides.chosen_sides import Sides, is_shared, show_place
from floe_migrate.sides.side import LiveSide


def stores(sides: Sides, source: LiveSide, target: LiveSide) -> Iterator[Finding]:
    """Yield a finding for each store that the product uses."""
    yield _schedules(sides, source, target)
    yield from _tables(source.artifacts, target.name)
    yield from memory(source, target)


def memory(source: LiveSide, target: LiveSide) -> Iterator[Finding]:
    """Yield a finding for each store that holds what the source remembers of the product."""
    artifacts = source.artifacts
    if artifacts.alerts or any(job.deadline for job in artifacts.jobs):
        yield _alerts(source, target)
    place = os.environ.get(LEDGER_VARIABLE) or artifacts.ledger
    if place and (artifacts.ports or artifacts.input_ports):
        lost = f"updates that {target.name} has not seen start runs again, or none"
        yield _finding(
            "ledger", place, lost, f"name a shared place in `ledger`, or {_both(LEDGER_VARIABLE)}"
        )
    if artifacts.execution.reuse != "off":
        lost = f"the first run on {target.name} builds everything"
        yield _of_variable("reuse", REUSE_VARIABLE, lost)
    if artifacts.partitions is not None:
        lost = f"all partitions are missing on {target.name} until they are built there"
        yield _of_variable("partitions", PARTITIONS_VARIABLE, lost)


def _schedules(sides: Sides, source: LiveSide, target: LiveSide) -> Finding:
    code = "store:schedules"
    try:
        sides.require_shared_store(source.name, target.name)
    except UsageError as error:
        return Finding(code, "loss", str(error))
    if os.environ.get(SCHEDULES_VARIABLE):
        return Finding(code, "note", f"both orchestrators need {SCHEDULES_VARIABLE} as it is here")
    return Finding(code, "ok", "both orchestrators read the same store of schedules")


def _tables(artifacts: CompiledArtifacts, target: str) -> Iterator[Finding]:
    file = duckdb_file(artifacts.dbt.profile, artifacts.folder)
    if file is None:
        return
    if file.resolve().is_relative_to(artifacts.folder.resolve()):
        what = f"the tables are in {file.name} in the compiled folder; {target} writes to another"
        fix = "give `plugins.compute.config.path` as an absolute path that both reach"
        yield Finding("warehouse", "loss", what, fix)
    else:
        yield Finding("warehouse", "note", f"the tables are in {file}, which {target} must reach")


def _alerts(source: LiveSide, target: LiveSide) -> Finding:
    lost = (
        f"open failures and last successes stay on {source.name}: {target.name} sends no alert "
        "when a job recovers from them, and may call a job late that has succeeded before"
    )
    places = [store_place(each.artifacts) for each in (source, target)]
    place = places[0] if places[0] == places[1] else ""
    fix = f"name the same `alert_store` in both manifests, or {_both(ALERTS_VARIABLE)}"
    return _finding("alerts", place, lost, fix)


def _of_variable(what: str, variable: str, lost: str) -> Finding:
    return _finding(what, os.environ.get(variable, ""), lost, f"name a place in {_both(variable)}")


def _finding(what: str, place: str, lost: str, fix: str) -> Finding:
    """Return whether a place is shared, or what is lost because it is in the source's folder."""
    code = f"store:{what}"
    if place.startswith("env:"):
        return Finding(code, "note", f"in the place that {place} names, which both must have")
    if is_shared(place):
        return Finding(code, "ok", f"in {show_place(place)}, which both must reach")
    return Finding(
        code, "loss", f"it is in the folder of one orchestrator and stays there: {lost}", fix
    )


def _both(variable: str) -> str:
    return f"{variable} on both"
