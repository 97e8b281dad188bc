"""Histories of partitions on Airflow: one that is up, whose backfills are the ticks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from partition_histories import Attempts, Product, Replay, Step
from partition_sides import TO_END, Claim, Kill
from wait_for import wait_for

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow, datetime_of

BUILD = "dbt_build"


class AirflowSide:
    """An Airflow, and what its runs and asset events should say."""

    name = "airflow"

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow, self._api = airflow, airflow.api
        self._last, self._began = "", datetime.now(UTC)

    def add(self, product: Product, folder: Path) -> None:
        self._airflow.add(CompiledArtifacts.load(folder), product.name)

    def changed(self, product: Product, folder: Path) -> None:
        self.add(product, folder)

    def run(self, product: Product, folder: Path, step: Step, kill: Kill | None) -> bool:
        self._began = datetime.now(UTC)
        self._last = self._start(product, step)
        if kill is not None:
            kill()
        return self._succeeds(product)

    def retry(self, product: Product, folder: Path) -> bool:
        self._api.clear(product.name, self._last, [BUILD], downstream=True)
        return self._succeeds(product)

    def claims(
        self, replay: Replay, folder: Path, step: Step, attempts: Attempts
    ) -> Iterator[Claim]:
        product, keys = replay.product, [each.key for each in step.periods]
        run = self._api.run(product.name, self._last)
        has_key = product.has_keys and (step.tick is not None or len(keys) == 1)
        key = keys[-1] if has_key else None
        yield "key of the run", run["partition_key"], key
        found = {name: (key, dict.fromkeys(keys, "success")) for name in product.parents}
        yield "asset events", self._events(product), {} if attempts[-1] else found

    def _start(self, product: Product, step: Step) -> str:
        dag_id = product.name
        if step.tick is not None:
            tick = step.tick.isoformat()
            for run_id in self._api.runs_at(dag_id, tick):
                self._api.delete_run(dag_id, run_id)
            # A DAG has one at a time, and Airflow notes the end of one half a minute later.
            wait_for(lambda: self._backfills_are_over(dag_id))
            self._api.backfill(dag_id, tick, tick)
            [run_id] = self._api.runs_at(dag_id, tick)
            return run_id
        if product.has_keys and len(step.periods) == 1:
            body = {"logical_date": None, "partition_key": step.named, "conf": {}}
            found = self._api.request("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)
            return str(found["dag_run_id"])
        return self._api.trigger(dag_id, None, {"partitions": step.named})

    def _backfills_are_over(self, dag_id: str) -> bool:
        found = self._api.request("GET", f"/api/v2/backfills?dag_id={dag_id}")["backfills"]
        return all(each["completed_at"] for each in found)

    def _succeeds(self, product: Product) -> bool:
        deadline = time.monotonic() + TO_END
        while True:
            state = self._api.run(product.name, self._last)["state"]
            if state in ("success", "failed"):
                return bool(state == "success")
            assert time.monotonic() < deadline, (product, self._last, state)
            time.sleep(0.2)

    def _events(self, product: Product) -> dict[str, tuple[str | None, dict[str, str]]]:
        """Return node -> the key of its asset event, and the partitions in it."""
        query = f"source_dag_id={product.name}&source_run_id={quote(self._last, safe='')}&limit=100"
        events: list[dict[str, Any]]
        events = self._api.request("GET", f"/api/v2/assets/events?{query}")["asset_events"]
        return {
            event["name"].rpartition("/")[2]: (event["partition_key"], event["extra"]["partitions"])
            for event in events
            if "partitions" in event["extra"] and datetime_of(event["timestamp"]) > self._began
        }
