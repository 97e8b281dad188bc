"""The triggers that start and end the tasks of a run's nodes, without a worker.

Airflow gives each trigger a copy of the whole DAG, which it makes twice, so what a DAG holds for
each task is paid for by the square of the tasks. So the upstream tasks are asked of the copy, which
is let go of then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, cast

from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from floe_core.build_events import NodeResult
from floe_orchestrator_airflow.node_log import level_of, level_of_result, summary
from floe_orchestrator_airflow.progress_poller import listening, task_states
from floe_orchestrator_airflow.run_progress import FINAL_STATES, RunProgress
from floe_orchestrator_airflow.task_ids import BUILD

if TYPE_CHECKING:
    from airflow.sdk import Context

WAIT_SECONDS = 1.0
RUN_HERE = "run"

# Records of this logger land in the log of the task whose trigger writes them.
log = logging.getLogger(__name__)


class _Follower(BaseTrigger):
    """A trigger of a task of a run with a build task, which it follows."""

    upstream: frozenset[str] = frozenset()

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Keep the ids of the upstream tasks, and nothing else of the copy of the DAG.

        Airflow calls this before `run`, with all that refers to the copy. There is nothing to
        render. A run of 400 nodes would else hold 400 x 400 tasks in the triggerer.
        """
        ti: Any = self.task_instance
        self.upstream = frozenset(ti.task.upstream_task_ids)
        cast("dict[str, Any]", context).clear()
        ti.task = None


class MirrorTrigger(_Follower):
    """Ends the task that shows some nodes as the build task ends them.

    Nodes that all passed are over at once. Where one failed, or was skipped, it may pass in a
    retry: the task is over when the build task is. A task that was cleared after that runs its
    nodes on a worker, after those of its upstream tasks that were cleared with it.
    """

    def __init__(self, node_ids: list[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.node_ids = node_ids
        self._told: Counter[str] = Counter()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what rebuilds this trigger."""
        return f"{__name__}.{type(self).__name__}", {"node_ids": self.node_ids}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that ends the task or sends it to a worker."""
        if await _is_rerun(self.task_instance):
            yield await self._rerun()
            return
        async with listening(self.task_instance) as poller:
            async for progress in poller.updates():
                self._pass_on_messages(progress)
                end = self._end(progress)
                if end is not None:
                    yield end
                    return

    def _pass_on_messages(self, progress: RunProgress) -> None:
        for node_id in self.node_ids:
            messages = progress.messages.get(node_id, ())
            for message in messages[self._told[node_id] :]:
                log.log(level_of(message), "%s", message.text)
            self._told[node_id] = len(messages)

    def _end(self, progress: RunProgress) -> TriggerEvent | None:
        """Return how the task ends, None while that is open."""
        wanted = [node_id for node_id in self.node_ids if progress.wants(node_id)]
        results = [progress.results[i] for i in wanted if i in progress.results]
        if wanted and len(results) == len(wanted) and all(result.passed for result in results):
            for result in results:
                log.info("%s", summary(result))
            return TaskSuccessEvent(xcoms={"floe_result": _facts(results)})
        if not progress.is_final:
            return None
        if not wanted:
            log.info("%s: not part of this run", ", ".join(self.node_ids[:10]))
            return TaskSkippedEvent()
        return _final_end(wanted, progress)

    async def _rerun(self) -> TriggerEvent:
        """Wait for the upstream tasks that are about to run, then let a worker run the node."""
        waiting = await self._unfinished()
        awaited = set(waiting)
        while waiting:
            await asyncio.sleep(WAIT_SECONDS)
            waiting = await self._unfinished()
        states = await task_states(self.task_instance, sorted(awaited)) if awaited else {}
        failed = sorted(task_id for task_id, state in states.items() if state != "success")
        if failed:
            log.error("not run: upstream %s did not succeed", ", ".join(failed))
            return TaskSkippedEvent()
        log.info("%s: run on a worker", ", ".join(self.node_ids[:10]))
        return TriggerEvent(RUN_HERE)  # type: ignore[no-untyped-call]

    async def _unfinished(self) -> list[str]:
        upstream = sorted(self.upstream - {BUILD})
        if not upstream:
            return []
        states = await task_states(self.task_instance, upstream)
        return [task_id for task_id in upstream if states.get(task_id) not in FINAL_STATES]


class OutcomeTrigger(_Follower):
    """Ends the last task of a run: green only if every node of it passed.

    It follows the build task. When nodes were cleared and ran again after that, it follows the
    tasks of the nodes, so that a run whose failures were mended turns green.
    """

    def __init__(self, mirrors: dict[str, str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.mirrors = mirrors

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what rebuilds this trigger; `mirrors` maps node id to task id."""
        return f"{__name__}.{type(self).__name__}", {"mirrors": self.mirrors}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that ends the task."""
        is_rerun = await _is_rerun(self.task_instance)
        async with listening(self.task_instance) as poller:
            async for progress in poller.updates():
                if is_rerun:
                    yield self._verdict_of_tasks(await self._final_states(), progress)
                    return
                if progress.is_final:
                    yield self._verdict_of_build(progress)
                    return

    def _verdict_of_build(self, progress: RunProgress) -> TriggerEvent:
        failed = [r for r in progress.results.values() if not r.passed and r.status != "skipped"]
        for result in failed:
            log.error("%s", summary(result))
        if progress.build_state == "success" and not failed:
            return TaskSuccessEvent()
        log.error("the build task ended as %s", progress.build_state)
        return TaskFailedEvent()

    def _verdict_of_tasks(
        self, states: dict[str, str | None], progress: RunProgress
    ) -> TriggerEvent:
        bad = {
            node_id: states.get(task_id)
            for node_id, task_id in self.mirrors.items()
            if progress.wants(node_id) and states.get(task_id) != "success"
        }
        for node_id, state in bad.items():
            log.error("%s ended as %s", node_id, state)
        return TaskFailedEvent() if bad else TaskSuccessEvent()

    async def _final_states(self) -> dict[str, str | None]:
        task_ids = sorted(set(self.mirrors.values()))
        while True:
            states = await task_states(self.task_instance, task_ids)
            if all(states.get(task_id) in FINAL_STATES for task_id in task_ids):
                return states
            await asyncio.sleep(WAIT_SECONDS)


async def _is_rerun(ti: Any) -> bool:
    """Whether the task was cleared when the build was over, so that there is nothing to follow."""
    if ti.try_number <= 1:
        return False
    states = await task_states(ti, [BUILD])
    return states.get(BUILD) in FINAL_STATES


def _final_end(wanted: list[str], progress: RunProgress) -> TriggerEvent:
    """Return how a task ends whose build is over and whose nodes have not all passed."""
    has_failed = False
    for node_id in wanted:
        result = progress.results.get(node_id)
        if result is None:
            log.error("%s: the build ended (%s), no result", node_id, progress.build_state)
            has_failed |= node_id in progress.started
        else:
            level = level_of_result(result)
            log.log(level, "%s", summary(result))
            has_failed |= level == logging.ERROR
    return TaskFailedEvent() if has_failed else TaskSkippedEvent()


def _facts(results: list[NodeResult]) -> dict[str, Any]:
    """Return the facts of the one node, or the sums of several."""
    if len(results) > 1:
        seconds = round(sum(result.seconds for result in results), 3)
        return {"status": "success", "nodes": len(results), "seconds": seconds}
    result = results[0]
    facts = {"status": result.status, "seconds": result.seconds, "rows": result.rows}
    return {name: value for name, value in facts.items() if value is not None}
