"""Find what runs have left: waiting events, killed runs, processes without a parent."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from floe_core.alerts import status as status_of_alerts
from floe_core.alerts.delivery_status import TargetStatus
from floe_core.cli.doctor.finding import Finding
from floe_core.cli.doctor.services import is_held
from floe_core.execution.record.journal import FILE, last_event
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.lineage import LineageStatus, status
from floe_core.runs.build_events import BuildEnded
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import runs_place, shared_state
from floe_core.warehouse.duckdb_file import duckdb_file

# A journal without writes for this long does not belong to a run under way.
QUIET_SECONDS = 3600
_OF_RUNS = ("floe", "dbt", "dagster", "airflow", "prefect")


def check_leftovers(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return what waits in the spool, and what killed runs have left."""
    spools = [*_spool(artifacts.folder), *_alerts(artifacts)]
    folder = artifacts.folder
    found = [*spools, *_state(folder), *_runs(artifacts), *_processes(folder)]
    return found or [Finding("runs", "ok", "nothing waits, and nothing was left behind")]


def _spool(folder: Path) -> Iterator[Finding]:
    place = shlex.quote(str(folder))
    fixes = f"floe lineage flush {place}", f"floe lineage status {place}"
    yield from _undelivered("spool", status(folder), "lineage events", "the backend", fixes)


def _alerts(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    place = shlex.quote(str(artifacts.folder))
    try:
        targets = status_of_alerts(artifacts).targets
    except EnvironmentProblemError as error:
        fix = (
            "correct `alert_store` in manifest.yaml, or FLOE_ALERT_STORE; until then, none is sent"
        )
        yield Finding("alerts", "problem", str(error), fix)
        return
    fixes = f"floe alerts flush {place}", f"floe alerts flush --refused {place}"
    for target in targets:
        yield from _undelivered("alerts", target, "alerts", target.target, fixes)
        if target.is_unset:
            what = f"alerts go to {target.target}, which is not set here"
            fix = "set it to an Apprise URL, or to nothing if nobody is to be alerted"
            yield Finding("alerts", "warning", what, fix)


def _undelivered(
    check: str, found: LineageStatus | TargetStatus, what: str, who: str, fixes: tuple[str, str]
) -> Iterator[Finding]:
    """Yield what waits for somebody, was refused or did not fit; `fixes` are for the first two."""
    if found.waiting:
        reason = f": {found.last_failure}" if found.last_failure else ""
        yield Finding(check, "warning", f"{found.waiting} {what} wait for {who}{reason}", fixes[0])
    if found.refused:
        reasons = "; ".join(sorted({each.reason for each in found.refused})[:3])
        told = f"{who} refused {len(found.refused)} {what}: {reasons}"
        yield Finding(check, "warning", told, fixes[1])
    if found.full_since:
        lost = f"the spool was full: {what} for {who} since {found.full_since} are lost"
        yield Finding(check, "problem", lost, "flush it, or raise FLOE_LINEAGE_SPOOL_MB")


def _state(folder: Path) -> Iterator[Finding]:
    if shared := shared_state(folder):
        what, _, fix = shared.partition("; ")
        yield Finding("runs", "warning", what, fix)


def _runs(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    folder = artifacts.folder
    for journal in sorted(runs_place(folder).glob(f"*/{FILE}")):
        run_id = unquote(journal.parent.name)
        if not isinstance(last_event(journal), BuildEnded) and not _may_go_on(artifacts, journal):
            moment = datetime.fromtimestamp(journal.stat().st_mtime, UTC)
            what = f"run {run_id} was interrupted at {moment:%Y-%m-%d %H:%M:%S} UTC"
            fix = "retry it in the orchestrator, or run again; then delete its folder"
            yield Finding("runs", "warning", what, f"{fix}: {journal.parent}")


def _may_go_on(artifacts: CompiledArtifacts, journal: Path) -> bool:
    """Return whether a build may still be running: it holds the warehouse, or wrote recently."""
    file = duckdb_file(artifacts.dbt.profile, artifacts.folder)
    if file is not None:
        return is_held(file)
    return time.time() - journal.stat().st_mtime < QUIET_SECONDS


def _processes(folder: Path) -> Iterator[Finding]:
    """Yield processes of dbt or floe in the product's folder whose parent is gone. Linux only."""
    for pid, command in _orphans(folder.resolve()):
        what = f"process {pid} runs on in the product's folder, without its parent: {command[:120]}"
        yield Finding("runs", "warning", what, f"kill {pid}")


def _orphans(folder: Path) -> Iterator[tuple[int, str]]:
    for place in Path("/proc").glob("[0-9]*"):
        try:
            where = (place / "cwd").readlink()
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
            words = (place / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        command = " ".join(words).strip()
        is_of_run = any(name in command for name in _OF_RUNS) and int(place.name) != os.getpid()
        if parent == 1 and is_of_run and where.is_relative_to(folder):
            yield int(place.name), command
