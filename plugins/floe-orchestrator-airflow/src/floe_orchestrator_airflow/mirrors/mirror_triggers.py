"""The triggers that start and end the tasks of a run's nodes, without a worker.

In the first try of its task a trigger has no copy of the DAG: `start_triggers_without_dags` says
why. Where it has one, it takes only the upstream tasks from the copy, and then releases it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from airflow.triggers.base import (
    BaseTrigger,
    TaskFailedEvent,
    TaskSkippedEvent,
    TaskSuccessEvent,
    TriggerEvent,
)

from floe_core.runs.build_events import NodeResult
from floe_orchestrator_airflow.mirrors.internals import (
    created_at,
    task_instance_of,
    wait_until_logs_are_read,
)
from floe_orchestrator_airflow.mirrors.progress_poller import (
    ProgressPoller,
    listening,
    task_states,
)
from floe_orchestrator_airflow.names.airflow_names import BUILD, BUILD_BEGAN
from floe_orchestrator_airflow.task.node_log import level_of, level_of_result, summary
from floe_orchestrator_airflow.task.result_facts import (
    ENDED_AT,
    RESULT_KEY,
    STARTED_AT,
    facts_of_results,
)
from floe_orchestrator_airflow.task.run_progress import FINAL_STATES, RunProgress

if TYPE_CHECKING:
    from airflow.sdk import Context

WAIT_SECONDS = 1.0
LOG_SECONDS = 60.0
# A build that waits for longer may wait for good, and Airflow's pages do not say what for.
WAIT_TO_TELL_SECONDS = 30.0
# The triggerer cancels a trigger one round after it handled its event, and logs that as if a user
# had done so. Its rounds take a second.
POLL_OF_TRIGGERER_SECONDS = 0.8
RUN_HERE = "run"

# Records of this logger go to the log of the task whose trigger writes them.
log = logging.getLogger(__name__)


class _Follower(BaseTrigger):
    """A trigger of a task of a run with a build task, which it follows."""

    upstream: frozenset[str] = frozenset()
    _has_told = False

    def __init__(self, build_task_id: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.build_task_id = build_task_id

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Keep the ids of the upstream tasks, and nothing else of the copy of the DAG.

        Airflow calls this before `run`, with everything that refers to the copy. There is nothing
        to render. Otherwise a run of 400 nodes would hold 400 x 400 tasks in the triggerer.
        """
        ti: Any = self.task_instance
        self.upstream = frozenset(ti.task.upstream_task_ids)
        cast("dict[str, Any]", context).clear()
        ti.task = None

    async def _is_rerun(self) -> bool:
        """Return whether the task was cleared after the build, so has nothing to follow.

        A task that was cleared together with its build follows it, even if its trigger starts only
        after the build has ended: to run its nodes once more would build them twice.
        """
        ti = cast(Any, self.task_instance)
        if ti.try_number <= 1:
            return False
        asked = task_instance_of(self)
        states = await task_states(asked, [self.build_task_id])
        if states.get(self.build_task_id) not in FINAL_STATES:
            return False
        began = await asked.axcom_pull(task_ids=self.build_task_id, key=BUILD_BEGAN, map_indexes=-1)
        cleared = created_at(ti)
        return began is None or cleared is None or cleared > began

    def _tell_of_wait(self, poller: ProgressPoller) -> None:
        """Log once what a build may wait for that does not start."""
        waited = poller.seconds_of_wait()
        if waited < WAIT_TO_TELL_SECONDS or self._has_told:
            return
        self._has_told = True
        log.warning(
            "%s has not started for %.0f s; its state is %r. If it is scheduled, it waits for a "
            "slot, and forever if Airflow does not have the task's pool: `floe doctor` checks that",
            self.build_task_id,
            waited,
            poller.progress.build_state or "none",
        )


class MirrorTrigger(_Follower):
    """Ends the task that shows some nodes as the build task ends them.

    If all nodes passed, the task ends at once; as skipped if all are disabled. A node that failed
    or was skipped may pass in a retry, so the task then ends with the build task. A task that is
    cleared after that runs its nodes on a worker, after the upstream tasks that were cleared with
    it.
    """

    def __init__(self, node_ids: list[str], build_task_id: str = BUILD) -> None:
        super().__init__(build_task_id)
        self.node_ids = node_ids
        self._passed_on: Counter[str] = Counter()

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments that recreate this trigger."""
        kwargs = {"node_ids": self.node_ids, "build_task_id": self.build_task_id}
        return f"{__name__}.{type(self).__name__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that ends the task or sends it to a worker."""
        if await self._is_rerun():
            rerun = await self._rerun()
            await wait_until_logs_are_read(LOG_SECONDS)
            yield rerun
            return
        async with listening(task_instance_of(self), self.build_task_id) as poller:
            async for progress in poller.updates():
                self._tell_of_wait(poller)
                self._pass_on_messages(progress)
                end = self._end(progress)
                if end is not None:
                    await wait_until_logs_are_read(LOG_SECONDS)
                    yield end
                    await wait_until_logs_are_read(POLL_OF_TRIGGERER_SECONDS)
                    return

    def _pass_on_messages(self, progress: RunProgress) -> None:
        for node_id in self.node_ids:
            messages = progress.messages.get(node_id, ())
            for message in messages[self._passed_on[node_id] :]:
                log.log(level_of(message), "%s", message.text)
            self._passed_on[node_id] = len(messages)

    def _end(self, progress: RunProgress) -> TriggerEvent | None:
        """Return how the task ends, None while that is undecided."""
        wanted = [node_id for node_id in self.node_ids if progress.wants(node_id)]
        results = [progress.results[i] for i in wanted if i in progress.results]
        if wanted and len(results) == len(wanted) and all(result.passed for result in results):
            for result in results:
                log.info("%s", summary(result))
            if all(result.is_disabled for result in results):
                return TaskSkippedEvent(xcoms=_at_once("skipped"))
            return TaskSuccessEvent(xcoms={RESULT_KEY: facts_of_results(results)})
        if not progress.is_final:
            return None
        if not wanted:
            log.info("%s: not part of this run", ", ".join(self.node_ids[:10]))
            return TaskSkippedEvent(xcoms=_at_once("skipped"))
        return _final_end(wanted, progress)

    async def _rerun(self) -> TriggerEvent:
        """Wait for the upstream tasks that are about to run, then let a worker run the node."""
        waiting = await self._find_unfinished()
        awaited = set(waiting)
        while waiting:
            await asyncio.sleep(WAIT_SECONDS)
            waiting = await self._find_unfinished()
        states = await task_states(task_instance_of(self), sorted(awaited)) if awaited else {}
        failed = sorted(task_id for task_id, state in states.items() if state != "success")
        if failed:
            log.error("not run: upstream %s did not succeed", ", ".join(failed))
            return TaskSkippedEvent()
        log.info("%s: run on a worker", ", ".join(self.node_ids[:10]))
        return TriggerEvent(RUN_HERE)  # type: ignore[no-untyped-call]

    async def _find_unfinished(self) -> list[str]:
        upstream = sorted(self.upstream - {self.build_task_id})
        if not upstream:
            return []
        states = await task_states(task_instance_of(self), upstream)
        return [task_id for task_id in upstream if states.get(task_id) not in FINAL_STATES]


class OutcomeTrigger(_Follower):
    """Ends the last task of a run: green only if every node of it passed.

    It follows the build task. If nodes are cleared and run again after that, it follows the tasks
    of the nodes, so that a run whose failures were fixed turns green.
    """

    def __init__(self, mirrors: dict[str, str], build_task_id: str = BUILD) -> None:
        super().__init__(build_task_id)
        self.mirrors = mirrors

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments; `mirrors` maps node id to task id."""
        kwargs = {"mirrors": self.mirrors, "build_task_id": self.build_task_id}
        return f"{__name__}.{type(self).__name__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the one event that ends the task."""
        is_rerun = await self._is_rerun()
        async with listening(task_instance_of(self), self.build_task_id) as poller:
            async for progress in poller.updates():
                self._tell_of_wait(poller)
                if not (is_rerun or progress.is_final):
                    continue
                if is_rerun:
                    end = self._verdict_of_tasks(await self._final_states(), progress)
                else:
                    end = self._verdict_of_build(progress)
                await wait_until_logs_are_read(LOG_SECONDS)
                yield end
                await wait_until_logs_are_read(POLL_OF_TRIGGERER_SECONDS)
                return

    def _verdict_of_build(self, progress: RunProgress) -> TriggerEvent:
        failed = [r for r in progress.results.values() if not r.passed and r.status != "skipped"]
        for result in failed:
            log.error("%s", summary(result))
        if progress.build_state == "success" and not failed:
            return TaskSuccessEvent(xcoms=_at_once("success"))
        if progress.build_state == "skipped":
            return TaskSkippedEvent(xcoms=_at_once("skipped"))
        log.error("the build task ended as %s", progress.build_state)
        return TaskFailedEvent(xcoms=_at_once("failed"))

    def _verdict_of_tasks(
        self, states: dict[str, str | None], progress: RunProgress
    ) -> TriggerEvent:
        bad = {
            node_id: states.get(task_id)
            for node_id, task_id in self.mirrors.items()
            if progress.wants(node_id)
            and states.get(task_id) != "success"
            and not _is_disabled(progress.results.get(node_id))
        }
        for node_id, state in bad.items():
            log.error("%s ended as %s", node_id, state)
        if bad:
            return TaskFailedEvent(xcoms=_at_once("failed"))
        return TaskSuccessEvent(xcoms=_at_once("success"))

    async def _final_states(self) -> dict[str, str | None]:
        task_ids = sorted(set(self.mirrors.values()))
        while True:
            states = await task_states(task_instance_of(self), task_ids)
            if all(states.get(task_id) in FINAL_STATES for task_id in task_ids):
                return states
            await asyncio.sleep(WAIT_SECONDS)


def _final_end(wanted: list[str], progress: RunProgress) -> TriggerEvent:
    """Return how a task ends if its build has ended and not all of its nodes passed."""
    has_failed = False
    for node_id in wanted:
        result = progress.results.get(node_id)
        if result is None and progress.build_state == "skipped":
            log.info("%s: nothing was built", node_id)
        elif result is None:
            log.error("%s: the build ended (%s), no result", node_id, progress.build_state)
            has_failed |= node_id in progress.started
        else:
            level = level_of_result(result)
            log.log(level, "%s", summary(result))
            has_failed |= level == logging.ERROR
    results = [progress.results[i] for i in wanted if i in progress.results]
    if has_failed:
        return TaskFailedEvent(xcoms={RESULT_KEY: facts_of_results(results)} if results else None)
    return TaskSkippedEvent(xcoms=_at_once("skipped"))


def _is_disabled(result: NodeResult | None) -> bool:
    return result is not None and result.is_disabled


def _at_once(status: str) -> dict[str, Any]:
    """Return the XCom of a task that only shows a result, which takes no time."""
    now = datetime.now(UTC).isoformat()
    return {RESULT_KEY: {"status": status, STARTED_AT: now, ENDED_AT: now}}
