"""Check whether a product's services respond, and the places that its runs share can be read."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from pathlib import Path

from floe_core.cli.doctor.finding import Finding, Severity
from floe_core.execution.warehouse_lock import lock_file
from floe_core.foundation.entry_points import distribution_of, installed_points, named_failure
from floe_core.foundation.errors import EnvironmentProblemError, PluginError, UsageError
from floe_core.foundation.service_probe import NoAnswerError, send_request, without_secrets
from floe_core.lineage.backend import is_configured, resolve_transport, speaks_of_transport
from floe_core.partitions.store import STORE_VARIABLE as PARTITIONS_VARIABLE
from floe_core.partitions.store import store_of as partitions_of
from floe_core.ports.ledger import LEDGER_VARIABLE, ledger_of
from floe_core.reuse.state_store import STORE_VARIABLE, store_of
from floe_core.schedules.ownership import other_owner
from floe_core.schedules.schedule_store import STORE_VARIABLE as SCHEDULES_VARIABLE
from floe_core.schedules.schedule_store import store_of as schedules_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.secrets.references import UnsetVariableError
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.duckdb_file import duckdb_file
from floe_core.warehouse.internals import require_adapter

PATIENCE_SECONDS = 10.0


def check_services(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return the state of each service, within about 20 seconds."""
    return [_warehouse(artifacts), *_added_findings(artifacts), _lineage(artifacts)]


def _added_findings(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    """Yield what the checks of other distributions find, by entry point `floe.doctor_checks`."""
    for name, point in sorted(installed_points("floe.doctor_checks").items()):
        owner = distribution_of(point)
        try:
            with named_failure(f"the check '{name}' of {owner}"):
                check = point.load()
        except PluginError as error:
            yield Finding(name, "problem", str(error), f"install another version of {owner}")
        else:
            yield from check(artifacts)


def _warehouse(artifacts: CompiledArtifacts) -> Finding:
    file = duckdb_file(artifacts.dbt.profile, artifacts.folder)
    if file is not None and not file.exists():
        return Finding("warehouse", "ok", f"{file.name} is made by the first run")
    if file is not None and is_held(file):
        fix = "wait for it; DuckDB takes one writer at a time"
        return Finding("warehouse", "warning", f"a build has {file.name} at the moment", fix)
    try:
        require_adapter(artifacts.dbt.adapter)
    except EnvironmentProblemError as error:
        severity: Severity = "warning" if artifacts.dbt.executable else "problem"
        return Finding("warehouse", severity, *str(error).rsplit(": ", 1))
    try:
        with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
            warehouse.rows("select 1")
    except UsageError:
        return Finding("warehouse", "ok", f"{artifacts.dbt.adapter}: not checked; see `dbt debug`")
    except EnvironmentProblemError as error:
        return Finding("warehouse", "problem", str(error), "dbt debug")
    return Finding("warehouse", "ok", f"{artifacts.dbt.adapter} answers")


def is_held(file: Path) -> bool:
    """Return whether a build holds the lock of a DuckDB file.

    The file is opened for reading only, so the check changes nothing and needs no right to write.
    """
    try:
        with lock_file(file).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def _lineage(artifacts: CompiledArtifacts) -> Finding:
    if not is_configured(artifacts.lineage, artifacts.folder):
        return Finding("lineage", "ok", "no backend is configured")
    if speaks_of_transport(artifacts.folder):
        return Finding("lineage", "ok", "the environment chooses the backend; not checked")
    try:
        url = str(resolve_transport(artifacts.lineage).get("url") or "")
    except UnsetVariableError as error:
        return Finding("lineage", "problem", str(error), "set it where runs start")
    if not url.startswith(("http://", "https://")):
        return Finding("lineage", "ok", "the backend has no address to ask")
    try:
        send_request("GET", url, deadline=time.monotonic() + PATIENCE_SECONDS)
    except NoAnswerError as error:
        fix = "start the backend, or correct its url; events wait in the spool until then"
        return Finding("lineage", "warning", error.reason, fix)
    return Finding("lineage", "ok", f"{without_secrets(url)} answers")


def check_stores(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return whether the ledger and the states of partitions and of reuse can be read, if any.

    So also the schedules: which jobs another orchestrator owns is in their store.
    """
    return [
        *_schedules(artifacts),
        *_ledger(artifacts),
        *_partitions(artifacts),
        *_reuse(artifacts),
    ]


def _schedules(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    store, here = schedules_of(artifacts), artifacts.orchestrator.name
    try:
        kept = store.read() if store else {}
    except EnvironmentProblemError as error:
        fix = f"correct the `schedule_store` in manifest.yaml, or {SCHEDULES_VARIABLE}"
        yield Finding("schedules", "problem", str(error), fix)
        return
    for job in artifacts.jobs:
        if job.name in kept and (why := other_owner(kept[job.name].owner, here)):
            yield Finding("owner", "ok", f"job {job.name} is not started here: {why}")


def _ledger(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    name = artifacts.product.name
    try:
        ledger = ledger_of(artifacts) if artifacts.ports or artifacts.input_ports else None
        if ledger is not None:
            ledger.read(name)
            yield Finding("ledger", "ok", f"{ledger.place_of(name)} can be read")
    except (EnvironmentProblemError, UsageError) as error:
        fix = f"correct `ledger` in manifest.yaml, or {LEDGER_VARIABLE}; until then, runs fail"
        yield Finding("ledger", "problem", str(error), fix)


def _partitions(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    try:
        if artifacts.partitions is not None:
            partitions_of(artifacts).declarations()
    except EnvironmentProblemError as error:
        fix = f"correct {PARTITIONS_VARIABLE}; until then, runs do not record what they build"
        yield Finding("partitions", "problem", str(error), fix)


def _reuse(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    if artifacts.execution.reuse == "off":
        return
    store = store_of(artifacts)
    try:
        store.read()
        problem = store.problem
    except EnvironmentProblemError as error:
        problem = f"{error}, so everything is built"
    if problem:
        fix = f"correct {STORE_VARIABLE}; if the state is damaged, the next green run replaces it"
        yield Finding("reuse", "warning", problem, fix)
