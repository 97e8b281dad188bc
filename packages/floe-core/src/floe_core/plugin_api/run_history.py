"""Powers of a plugin that can ask a running orchestrator for runs, backfills and listeners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from floe_core.runs.build_events import NodeStatus, RunStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RunState = Literal["queued", "running"] | RunStatus
NodeState = NodeStatus | Literal["pending", "running"]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run of a product's job, as a running orchestrator records it. Times are aware, in UTC.

    `run_id` is the orchestrator's id, `link` the URL of the run's page there. `build_ids` are the
    ids of its builds in floe's own records, the last one last. `created_at` is when the
    orchestrator learned of it.
    """

    product: str
    job: str
    run_id: str
    state: RunState
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    nominal_time: datetime | None = None
    link: str = ""
    build_ids: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.state not in ("queued", "running")


@dataclass(frozen=True, slots=True)
class RecordedNode:
    """The last state of a node in a run, as the orchestrator records it."""

    unique_id: str
    state: NodeState
    seconds: float | None = None
    message: str = ""
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class NodesOfRun:
    """What an orchestrator records of a run's nodes, and its own text of why the run failed."""

    nodes: tuple[RecordedNode, ...] = ()
    problem: str = ""


@runtime_checkable
class RunHistory(Protocol):
    """A plugin that can list the runs of products on the orchestrator of its settings.

    Reads only. Each method returns or raises within `seconds`.
    """

    def recent_runs(
        self,
        products: Sequence[CompiledArtifacts],
        since: datetime | None,
        most: int,
        seconds: float,
    ) -> Sequence[RecordedRun]:
        """Return the products' runs that began, ended or are under way since a moment.

        The newest first, at most about `most`; None is since ever. Leaves out runs that are only
        planned, and those of other products.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or denies access.
        """

    def nodes_of_run(
        self, product: CompiledArtifacts, run: RecordedRun, seconds: float
    ) -> NodesOfRun:
        """Return the nodes of a run as far as the orchestrator knows them.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or has no such run.
        """


@runtime_checkable
class BackfillReporter(Protocol):
    """A plugin whose orchestrator has backfills of its own, which may create their runs later."""

    def backfills_of(
        self, artifacts: CompiledArtifacts, job_name: str, seconds: float
    ) -> Sequence[str]:
        """Return a job's backfills that are not over, in the orchestrator's own words.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or denies access.
        """


@runtime_checkable
class ListenerReporter(Protocol):
    """A plugin that can ask a running orchestrator who listens to a product's assets."""

    def listeners_of(self, artifacts: CompiledArtifacts, seconds: float) -> Sequence[str]:
        """Return what floe did not put there, in the orchestrator's own words, sorted.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond, or denies access.
        """
