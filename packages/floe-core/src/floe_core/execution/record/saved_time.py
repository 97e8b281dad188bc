"""Sum up what runs of a product built and reused, from their journals on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from floe_core.execution.record.journal import FILE, read_events
from floe_core.execution.record.run_record import RunRecord
from floe_core.runs.build_events import NodeResult
from floe_core.storage.state_folder import runs_place


@dataclass(frozen=True, slots=True)
class RunSaving:
    """What one run built and reused; nodes are counted by their last results.

    `ended_at` is when its last event was written, an aware UTC time. `build_seconds` is the time
    of the nodes that it ran, `saved_seconds` the time that its reused nodes took when they were
    built, `saved_rows` how many rows those have, not counting views.
    """

    run_id: str
    ended_at: datetime
    built: int
    reused: int
    build_seconds: float
    saved_seconds: float
    saved_rows: int


def savings_of_runs(project_dir: Path, last: int | None = None) -> list[RunSaving]:
    """Return the savings of runs with results on this machine, oldest first; the `last` so many."""
    paths = runs_place(project_dir).glob(f"*/{FILE}")
    newest = sorted(((path.stat().st_mtime, path) for path in paths), reverse=True)
    found: list[RunSaving] = []
    for modified, path in newest:
        if last is not None and len(found) == last:
            break
        run_id = unquote(path.parent.name)
        results = RunRecord.of(read_events(project_dir, run_id)).results.values()
        if results:
            found.append(saving_of(run_id, datetime.fromtimestamp(modified, UTC), [*results]))
    return found[::-1]


def saving_of(run_id: str, ended_at: datetime, results: list[NodeResult]) -> RunSaving:
    """Return what a run with these results, one for each node, built and reused."""
    ran = [each for each in results if each.status not in ("reused", "skipped")]
    reused = [each for each in results if each.status == "reused"]
    return RunSaving(
        run_id,
        ended_at,
        built=len(ran),
        reused=len(reused),
        build_seconds=round(sum(each.seconds for each in ran), 2),
        saved_seconds=round(sum(each.reused.seconds for each in reused if each.reused), 2),
        saved_rows=sum(each.reused.rows or 0 for each in reused if each.reused),
    )
