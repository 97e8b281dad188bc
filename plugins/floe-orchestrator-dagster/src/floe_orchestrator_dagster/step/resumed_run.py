"""A run that Dagster executes again from failure: what those before it have left to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterInstance, DagsterRun

from floe_core.build_events import NodeResult
from floe_core.execution import latest_results, read_events
from floe_orchestrator_dagster.internals import RESUME_RETRY_TAG


@dataclass(frozen=True, slots=True)
class ResumedRun:
    """`before` are the last results of the runs that this one goes on with, `count` their number.

    A run that was started afresh goes on with none. To Dagster one step is all there is to execute
    again; which of its nodes are done stands in floe's records of those runs.
    """

    count: int
    before: dict[str, NodeResult]

    @classmethod
    def of(
        cls, run: DagsterRun, instance: DagsterInstance, project_dir: Path, step: str = ""
    ) -> ResumedRun:
        """Return what a run resumes, for one of its steps. See `build_run_id`."""
        ids = list(_resumed_ids(run, instance))
        before: dict[str, NodeResult] = {}
        for run_id in reversed(ids):
            events = read_events(project_dir, build_run_id(run_id, step))
            before.update(latest_results(events))
        return cls(len(ids), before)

    def left_of(self, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """Return what has not passed: failed tests too, since their cause may have been mended.

        All of it where all passed: then somebody wants it again.
        """
        left = tuple(i for i in wanted if i not in self.before or not self.before[i].passed)
        return left or wanted


def build_run_id(run_id: str, step: str) -> str:
    """Return the id of a step's build; `step` is "" where the product has one step in the run.

    Builds have records of their own: two steps of one run would overwrite each other's.
    """
    return f"{run_id}.{step}" if step else run_id


def _resumed_ids(run: DagsterRun | None, instance: DagsterInstance) -> Iterator[str]:
    """Yield the ids of the runs that this one goes on with, the latest first."""
    while run is not None and run.parent_run_id and run.tags.get(RESUME_RETRY_TAG) == "true":
        yield run.parent_run_id
        run = instance.get_run_by_id(run.parent_run_id)
