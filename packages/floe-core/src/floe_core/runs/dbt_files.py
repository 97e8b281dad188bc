"""Let a package write dbt's artifacts of a run elsewhere; entry point `floe.dbt_files` names it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from floe_core.foundation.entry_points import installed_points
from floe_core.foundation.process_environment import is_true
from floe_core.runs.build_events import NodeLog, RunStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

GROUP = "floe.dbt_files"
DISABLED_VARIABLE = "FLOE_ARTIFACTS_DISABLED"
# Below the folder that dbt writes to: what it wrote in its earlier calls, named by time.
EARLIER = "earlier"
RESULTS = ("run_results.json", "sources.json")
# What an entry point is. It reports its problems as warnings, and raises none.
Writer = Callable[[CompiledArtifacts, BuildRequest, RunStatus], Iterator[NodeLog]]


def keep_results(artifacts: CompiledArtifacts, target: Path) -> None:
    """Move dbt's results in a folder aside if they are needed later; dbt is about to be called."""
    for file in (target / name for name in RESULTS):
        if artifacts.dbt_files is not None and file.exists():
            (target / EARLIER).mkdir(exist_ok=True)
            file.rename(target / EARLIER / f"{time.time_ns()}.{file.name}")


def write_dbt_files(
    artifacts: CompiledArtifacts, request: BuildRequest, ending: RunStatus
) -> Iterator[NodeLog]:
    """Write dbt's artifacts where floe.yaml says; yield messages for the run's log.

    Nothing is written if `FLOE_ARTIFACTS_DISABLED` is `true`.
    """
    if artifacts.dbt_files is None or is_true(DISABLED_VARIABLE):
        return
    for point in installed_points(GROUP).values():
        writer: Writer = point.load()
        yield from writer(artifacts, request, ending)
