"""Polls a run's progress in the triggerer, with one poller for all mirrors of a run."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError

from floe_core.runs.build_events import from_line
from floe_orchestrator_airflow.names.airflow_names import PROGRESS_HEAD, segment_key
from floe_orchestrator_airflow.task.run_progress import RunProgress

# Polls are this far apart, or the second for a run that has been followed for long: a short run
# ends at once, and a long one does not keep the API server busy.
FIRST_POLL_SECONDS, POLL_SECONDS = 0.2, 0.7
_SHARE_OF_TIME = 0.05
MAX_FAILURES = 30
NOT_BEGUN = frozenset({"", "scheduled", "queued"})

log = logging.getLogger(__name__)


def seconds_between_polls(followed: float) -> float:
    """Return how long to wait for the next poll of a run that was followed for that many seconds.

    >>> [seconds_between_polls(each) for each in (0, 10, 3600)]
    [0.2, 0.5, 0.7]
    """
    return min(max(FIRST_POLL_SECONDS, _SHARE_OF_TIME * followed), POLL_SECONDS)


class ProgressPoller:
    """Polls the progress of one run until it is stopped. Create it in a running event loop."""

    def __init__(self, ti: Any, build_task_id: str) -> None:
        self._ti = ti
        self._build_task_id = build_task_id
        self._changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._poll(), name=f"floe progress {ti.run_id}")
        self.listeners = 0
        self.rounds = 0
        self.progress = RunProgress()
        self._waits_since = time.monotonic()

    def seconds_of_wait(self) -> float:
        """Return for how long the build has been waiting to start; 0 if it has started."""
        is_waiting = self.progress.build_state in NOT_BEGUN
        return time.monotonic() - self._waits_since if is_waiting else 0.0

    async def updates(self) -> AsyncIterator[RunProgress]:
        """Yield the progress once the first poll is done, and after each further poll.

        Raises:
            AirflowRuntimeError: Airflow did not respond for too long.
        """
        seen = 0
        while True:
            if self.rounds == seen:
                await asyncio.wait((self._changed, self._task), return_when=asyncio.FIRST_COMPLETED)
            if self._task.done():
                self._task.result()
            seen = self.rounds
            yield self.progress

    async def stop(self) -> None:
        """Stop polling."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _poll(self) -> None:
        failures, began = 0, time.monotonic()
        while True:
            try:
                await self._fetch()
                failures = 0
            # The supervisor raises this for any failure, such as an API server that is down for a
            # while. The run goes on meanwhile, so wait for it rather than fail all its nodes.
            except AirflowRuntimeError as error:
                failures += 1
                log.warning("No progress available (%s of %s): %r", failures, MAX_FAILURES, error)
                if failures >= MAX_FAILURES:
                    raise
            self._notify()
            await asyncio.sleep(seconds_between_polls(time.monotonic() - began))

    def _notify(self) -> None:
        self.rounds += 1
        self._changed.set_result(None)
        self._changed = asyncio.get_running_loop().create_future()

    async def _fetch(self) -> None:
        """Read the state first: once it is final, the results read after it are complete."""
        states = await task_states(self._ti, [self._build_task_id])
        state = states.get(self._build_task_id) or ""
        # Airflow logs an error for each XCom that does not exist yet.
        if state not in NOT_BEGUN:
            self._waits_since = time.monotonic()
            head = await self._xcom(PROGRESS_HEAD)
            if head:
                await self._read_segments(head)
        self.progress.build_state = state

    async def _read_segments(self, head: dict[str, Any]) -> None:
        progress = self.progress
        if head["attempt"] != progress.attempt:
            progress.begin_attempt(head["attempt"])
        narrowed = head["narrowed_to"]
        progress.narrowed_to = None if narrowed is None else tuple(narrowed)
        while progress.segments < head["segments"]:
            lines = await self._xcom(segment_key(progress.attempt, progress.segments))
            if lines is None:
                return
            progress.receive(from_line(line) for line in lines)
            progress.segments += 1

    async def _xcom(self, key: str) -> Any:
        return await self._ti.axcom_pull(task_ids=self._build_task_id, key=key, map_indexes=-1)


_pollers: dict[tuple[str, str, str], ProgressPoller] = {}


@asynccontextmanager
async def listening(ti: Any, build_task_id: str) -> AsyncIterator[ProgressPoller]:
    """Yield the poller of a build task in the task instance's run; the first listener starts it."""
    key = (ti.dag_id, ti.run_id, build_task_id)
    poller = _pollers.get(key)
    if poller is None:
        poller = _pollers[key] = ProgressPoller(ti, build_task_id)
    poller.listeners += 1
    try:
        yield poller
    finally:
        poller.listeners -= 1
        if poller.listeners == 0:
            del _pollers[key]
            await poller.stop()


async def task_states(ti: Any, task_ids: list[str]) -> dict[str, str | None]:
    """Return task id -> Airflow's state, of tasks of the same run; "" or None for not yet begun."""
    states = await asyncio.to_thread(
        ti.get_task_states, dag_id=ti.dag_id, task_ids=task_ids, run_ids=[ti.run_id]
    )
    return dict(states.get(ti.run_id) or {})
