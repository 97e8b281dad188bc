"""A request to build part of a product, for one run and one attempt."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from floe_core.runs.build_events import NodeResult, NodeStatus
from floe_core.runs.run_parameters import RunParameters, TimeRange

POLL_SECONDS = 1.0

# `unlimited`: the pool has no limit in the orchestrator, so no node waits for it.
SlotAnswer = Literal["claimed", "full", "unlimited"]


class NodeSlots(Protocol):
    """The slots of one build. Called from the threads of its nodes, several at a time.

    Both methods raise `EnvironmentProblemError` if the orchestrator can't be reached: then the node
    fails.
    """

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        """Claim a slot if one is free, without waiting for one.

        Called again every second until a slot is claimed, or the node gives up. State that a call
        keeps for the next one, such as a place in a queue, is removed by `free`.
        """

    def free(self, pool: str, node_id: str) -> None:
        """Free the node's slot, or its place in the queue."""

    def how_to_limit(self, pool: str) -> str:
        """Return how to give the pool a limit, as part of a sentence."""


def wait_for_slot(
    slots: NodeSlots, pool: str, node_id: str, is_over: threading.Event, tell: Callable[[str], None]
) -> SlotAnswer:
    """Claim a slot, waiting until one is free; return "full" if `is_over` is set first.

    `tell` receives a line for the node's log when the wait begins, and one when it ends.

    Raises:
        EnvironmentProblemError: The request for a slot failed.
    """
    waits_since: float | None = None
    while not is_over.is_set():
        answer = slots.try_claim(pool, node_id)
        if answer != "full":
            if waits_since is not None:
                waited = time.monotonic() - waits_since
                tell(f"has a slot of pool {pool} after {waited:.1f} s")
            return answer
        if waits_since is None:
            waits_since = time.monotonic()
            tell(f"waits for a slot of pool {pool}")
        is_over.wait(POLL_SECONDS)
    return "full"


# (name of the connection, dbt adapter) -> field -> value, by the adapter's names of the fields.
# Raises LookupError with what is wrong, such as that there is no connection of this name.
ReadConnection = Callable[[str, str], Mapping[str, Any]]
# The id of a run that is planned and not started.
PLAN_RUN_ID = "plan"


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One build of a job, or of some of its nodes.

    `run_id` names the orchestrator's run; attempts of one run share it and count from 1.
    `root_run_id` is the first of the runs that this one retries, "" for itself: an orchestrator may
    give each retry an id of its own. With `resume`, an attempt above 1 leaves out nodes that passed
    in earlier attempts.
    `node_ids` of None is the whole job, or the nodes of it that `parameters` select; if it names
    nodes, the selection has already been applied, except to nodes that only vars enable.
    `nominal_time` is the tick, an aware UTC time.
    `range` is the time range that a backfill covers in this one build. `settled` are results of
    earlier attempts, for an orchestrator that resumes by itself: their nodes are not built, and
    count in the verdict. `unfinished` are those of nodes that did not pass and are built: of a
    microbatch model of which some batches were built, dbt builds the others. `parameters` are this
    run's; their vars override those of the job and the product. `part` names this build if the
    orchestrator's run has several of one job and attempt, whose `run_id`s end with it; `beside` are
    the nodes of all these builds.
    Without `adds_enabled`, nodes that only the vars of the run enable are not built.
    Without `may_reuse`, every node is built, even one that could be reused. `updates` are the
    updates of input ports that started the run, as pairs of numbered port and number. With
    `wants_columns`, the columns of built relations are recorded: see `built_relation`.
    With `sends_alerts`, the build itself reports its end for alerts; False if the orchestrator
    reports the end of the run.
    `held` is node id -> key -> status of partitions that a retry leaves as they are.
    `partition_vars` are the dbt vars of the partitions that a part of a build is for, whose `range`
    is theirs; a caller names partitions in `parameters`.
    """

    job: str
    run_id: str
    node_ids: tuple[str, ...] | None = None
    attempt: int = 1
    nominal_time: datetime | None = None
    resume: bool = True
    range: TimeRange | None = None
    settled: tuple[NodeResult, ...] = ()
    unfinished: tuple[NodeResult, ...] = ()
    parameters: RunParameters = field(default_factory=RunParameters)
    part: str = ""
    beside: tuple[str, ...] = ()
    may_reuse: bool = True
    adds_enabled: bool = True
    sends_alerts: bool = True
    updates: tuple[tuple[str, int], ...] = ()
    root_run_id: str = ""
    wants_columns: bool = False
    held: Mapping[str, Mapping[str, NodeStatus]] = field(default_factory=dict, hash=False)
    partition_vars: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def whole_run_id(self) -> str:
        """The id that the builds of one run have in common."""
        return self.run_id.removesuffix(f".{self.part}") if self.part else self.run_id
