"""Slots of Dagster's pools for the nodes of a step, and for a step whose job has its own pool.

They are claimed as Dagster's executors claim them for ops: Dagster's own ops in the same pool
count, and its UI shows who holds or waits for a slot. It shows a node as `<step>.<node id>`.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dagster import DagsterInstance, OpExecutionContext
from sqlalchemy.exc import SQLAlchemyError

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import NodeSlots, SlotAnswer, wait_for_slot
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster.step.internals import (
    claiming_alone,
    free_slot,
    pool_claims,
    users_of_pool,
)

# How often a waiting node looks for slots still held by runs that have ended.
LOOK_SECONDS = 10.0
_OF_NODE = re.compile(r".+\.(model|seed|snapshot|function|test|unit_test|step)\..+")


class DagsterNodeSlots:
    """The slots of one step's nodes. See `NodeSlots`."""

    def __init__(self, context: OpExecutionContext) -> None:
        self._instance: DagsterInstance = context.instance
        self._run = context.run
        self._step = context.op_handle.name
        self._lock = threading.Lock()
        self._claims: dict[str, Any] = {}
        self._looked_at: dict[str, float] = {}

    def try_claim(self, pool: str, node_id: str) -> SlotAnswer:
        """See `NodeSlots.try_claim`; a `node_id` of "" stands for the step itself."""
        key = self._key(node_id)
        try:
            claims = self._claims_of(key)
            if claims is None or _counts_runs(self._instance):
                return "unlimited"
            self._free_what_is_over(pool)
            with claiming_alone(self._instance):
                is_claimed = claims.claim(pool, key)
            if not is_claimed:
                return "full"
            return "claimed" if claims.get_pool_info(pool) else "unlimited"
        except SQLAlchemyError as error:
            raise _no_answer(pool, error) from error

    def free(self, pool: str, node_id: str) -> None:
        """See `NodeSlots.free`."""
        key = self._key(node_id)
        with self._lock:
            self._claims.pop(key, None)
        try:
            free_slot(self._instance, self._run.run_id, key)
        except SQLAlchemyError as error:
            raise _no_answer(pool, error) from error

    def how_to_limit(self, pool: str) -> str:
        """See `NodeSlots.how_to_limit`."""
        if _counts_runs(self._instance):
            return "Dagster's pools count runs; set concurrency.pools.granularity to op"
        how = f"dagster instance concurrency set {pool} 1"
        return f"Dagster has no limit for it; set one with `{how}` or on its page of pools"

    def free_of_killed(self, pool: str) -> None:
        """Free the slots of an earlier attempt of this step, whose process was killed."""
        for run_id, key in users_of_pool(self._instance, pool):
            if run_id == self._run.run_id and key.startswith(f"{self._step}."):
                free_slot(self._instance, run_id, key)

    def _free_what_is_over(self, pool: str) -> None:
        """Free the slots held by nodes of runs that have ended: the processes were killed.

        Dagster's daemon does so only if `run_monitoring` sets a time for it.
        """
        now = time.monotonic()
        with self._lock:
            if now - self._looked_at.get(pool, float("-inf")) < LOOK_SECONDS:
                return
            self._looked_at[pool] = now
        for run_id, key in users_of_pool(self._instance, pool):
            if run_id == self._run.run_id or not _OF_NODE.fullmatch(key):
                continue
            run = self._instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                free_slot(self._instance, run_id, key)

    def _claims_of(self, key: str) -> Any:
        with self._lock:
            if key not in self._claims:
                self._claims[key] = pool_claims(self._instance, self._run)
            return self._claims[key]

    def _key(self, node_id: str) -> str:
        return f"{self._step}.{node_id}" if node_id else self._step


def node_slots(context: OpExecutionContext, artifacts: CompiledArtifacts) -> NodeSlots | None:
    """Return the slots for the nodes of a step, None if no node of the product is in a pool."""
    pools = set(artifacts.pools_of_nodes.values())
    if not pools:
        return None
    slots = DagsterNodeSlots(context)
    for pool in sorted(pools):
        slots.free_of_killed(pool)
    return slots


@contextmanager
def slot_of_job(context: OpExecutionContext, pool: str) -> Iterator[None]:
    """Hold a slot in the pool of the run's job, if the op is in no pool.

    All jobs of a product share its op, so Dagster can't wait for pools that differ by job.
    """
    if not pool or context.op_def.pool:
        yield
        return
    slots = DagsterNodeSlots(context)
    try:
        _wait(context, slots, pool)
        yield
    finally:
        slots.free(pool, "")


def _wait(context: OpExecutionContext, slots: DagsterNodeSlots, pool: str) -> None:
    # Never set: Dagster interrupts a step that is canceled while it waits.
    never = threading.Event()
    if wait_for_slot(slots, pool, "", never, context.log.info) == "unlimited":
        context.log.warning(f"pool {pool} holds nothing back: {slots.how_to_limit(pool)}")


def _counts_runs(instance: DagsterInstance) -> bool:
    granularity = instance.get_concurrency_config().pool_config.pool_granularity
    return granularity is not None and granularity.value == "run"


def _no_answer(pool: str, error: SQLAlchemyError) -> EnvironmentProblemError:
    reason = str(getattr(error, "orig", None) or error)
    return EnvironmentProblemError(f"Dagster's database does not answer for pool {pool}: {reason}")
