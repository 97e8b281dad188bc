"""The trigger that watches the ledger for a job, and starts its DAG with an asset event."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from airflow.sdk.exceptions import AirflowRuntimeError
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from floe_core.foundation.errors import FloeError
from floe_core.ports.ledger import ledger_at
from floe_core.ports.watch import SECONDS_BETWEEN_LOOKS, TriggeredJob, look_in, wait_to_repeat
from floe_core.schemas.ports import UpdateTrigger
from floe_orchestrator_airflow.internals import RunCounts, count_runs

# Airflow drops an event of an asset whose DAG was paused at that moment.
SECONDS_TO_A_RUN = 60.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Firing:
    """A fired key, when (in monotonic seconds), and the DAG's `runs` then, None if unknown.

    `ended` are the runs that it has started before, and that ended before they began to build.
    """

    key: str
    runs: int | None
    moment: float
    ended: int = 0

    def is_enough(self, key: str, runs: int | None, now: float) -> bool:
        """Return whether it has started a run, or still may, so that the key is not fired again."""
        if key != self.key:
            return False
        if runs is None or self.runs is None:
            return True
        wait = self.seconds_to_repeat if self.has_run(runs) else SECONDS_TO_A_RUN
        return now < self.moment + wait

    def again(self, key: str, runs: int | None, now: float) -> Firing:
        """Return the next firing, of this key or of another one."""
        return Firing(key, runs, now, self.ended + self.has_run(runs) if key == self.key else 0)

    def while_running(self, now: float) -> Firing:
        """Return it as of a moment at which a run is under way: waits count from the run's end."""
        return replace(self, moment=now)

    def has_run(self, runs: int | None) -> bool:
        """Return whether a run has come of it, given the DAG's runs now."""
        return runs is not None and self.runs is not None and runs > self.runs

    @property
    def seconds_to_repeat(self) -> float:
        """How long after the end of its run it is fired again."""
        return wait_to_repeat(self.ended + 1).total_seconds()


class LedgerTrigger(BaseEventTrigger):
    """Fires when updates of ports start a job, once for the same updates.

    It runs in the triggerer, which need not have the product's folder. `update_trigger` is an
    `UpdateTrigger` as JSON; `ledger`, `project_dir` and `environment` are those of the artifacts.
    A restarted triggerer may fire the same updates again: Airflow makes one run of both events as
    long as the run has not begun, and after that the ledger has nothing new.
    """

    def __init__(
        self,
        dag_id: str,
        product: str,
        job: str,
        update_trigger: str,
        ledger: str,
        project_dir: str,
        environment: str = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.dag_id = dag_id
        self.job = TriggeredJob(product, job, UpdateTrigger.model_validate_json(update_trigger))
        self.ledger = ledger
        self.project_dir = project_dir
        self.environment = environment
        self._fired: Firing | None = None
        self._problem = ""
        self._told = ""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments that recreate this trigger."""
        kwargs = {
            "dag_id": self.dag_id,
            "product": self.job.product,
            "job": self.job.name,
            "update_trigger": self.job.trigger.model_dump_json(),
            "ledger": self.ledger,
            "project_dir": self.project_dir,
            "environment": self.environment,
        }
        return f"{__name__}.{type(self).__name__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield an event with the key of the updates whenever they start a run. Never ends."""
        while True:
            key = await asyncio.to_thread(self.key_to_fire)
            if key:
                yield TriggerEvent(key)  # type: ignore[no-untyped-call]
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)

    def key_to_fire(self, count: Callable[[str], RunCounts | None] = count_runs) -> str:
        """Return the key of the updates that start a run now, "" for none.

        `count` counts the runs of a DAG. A failed request is logged, and repeated at the next poll.
        """
        try:
            key = self.due(count(self.dag_id))
        except (FloeError, AirflowRuntimeError) as error:
            if str(error) != self._problem:
                log.warning("%s: the ledger of ports cannot be read: %s", self.dag_id, error)
            self._problem = str(error)
            return ""
        if self._problem:
            log.info("%s: the ledger of ports can be read again", self.dag_id)
        self._problem = ""
        return key

    def due(self, counts: RunCounts | None) -> str:
        """Return the key of the updates that start a run now, by the counts of the DAG's runs."""
        folder, now = Path(self.project_dir), time.monotonic()
        is_running = counts is not None and counts.unfinished > 0
        if self._fired and is_running:
            self._fired = self._fired.while_running(now)
        decision = look_in(
            ledger_at(self.ledger, folder, self.environment),
            self.job,
            datetime.now(UTC),
            is_running=is_running,
        )
        if decision.action != "run":
            return ""
        return self._fire(decision.key, counts.total if counts else None, now)

    def _fire(self, key: str, runs: int | None, now: float) -> str:
        """Return the key if it is fired now, "" if that has been done; log which, and why."""
        fired = self._fired
        if fired is None or key != fired.key:
            self._tell(f"started by {key}")
        elif fired.is_enough(key, runs, now):
            if fired.has_run(runs):
                wait = f"the next one starts {fired.seconds_to_repeat:.0f} s later"
                self._tell(f"a run for {key} ended before it began to build; {wait}")
            return ""
        elif fired.has_run(runs):
            self._tell(f"started again by {key}")
        else:
            self._tell(f"Airflow started no run for {key}, as for a DAG that is paused")
        self._fired = (fired or Firing(key, runs, now)).again(key, runs, now)
        return key

    def _tell(self, what: str) -> None:
        if what != self._told:
            log.info("%s: %s", self.dag_id, what)
        self._told = what
