"""Histories of partitions on Dagster: an instance in SQLite, and a process for each run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    JobDefinition,
    ReexecutionOptions,
    RunsFilter,
    build_schedule_context,
    execute_job,
    in_process_executor,
    reconstructable,
)
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value
from partition_histories import Attempts, Pair, Product, Replay, Step
from partition_sides import Claim, Kill, forked

from floe_orchestrator_dagster.loader import load_product_definitions
from floe_orchestrator_dagster.names.partitions import (
    FIRST_PARTITION_TAG,
    LAST_PARTITION_TAG,
    PARTITION_TAG,
)

PLACE = "PARTITIONED_PRODUCT"
SCHEDULED = ".dagster/scheduled_execution_time"


def _definitions() -> tuple[str, Definitions]:
    folder = Path(os.environ[PLACE])
    name = folder.name
    loaded = load_product_definitions(name, folder)
    return name, Definitions.merge(loaded, Definitions(executor=in_process_executor))


def job() -> JobDefinition:
    """Return the job of the product in the folder that the environment names."""
    name, definitions = _definitions()
    return definitions.resolve_job_def(name)


def launch(home: str, folder: str, tags: dict[str, str], tick: datetime | None) -> None:
    """Execute a run: one that a schedule requests at its tick, or one of these tags."""
    os.environ[PLACE] = folder
    with DagsterInstance.from_config(home) as instance:
        if tick is not None:
            name, definitions = _definitions()
            schedule = definitions.resolve_schedule_def(f"{name}_schedule")
            context = build_schedule_context(instance, scheduled_execution_time=tick)
            [request] = schedule.evaluate_tick(context).run_requests
            tags = {**request.tags, SCHEDULED: tick.isoformat()}
        execute_job(reconstructable(job), instance, tags=tags, raise_on_error=False)


def retry(home: str, folder: str) -> None:
    """Execute the last run again from its failure, as Dagster's pages do."""
    os.environ[PLACE] = folder
    with DagsterInstance.from_config(home) as instance:
        [last] = instance.get_runs(RunsFilter(job_name=Path(folder).name), limit=1)
        again = ReexecutionOptions.from_failure(last.run_id, instance)
        execute_job(
            reconstructable(job),
            instance,
            tags=last.tags,
            raise_on_error=False,
            reexecution_options=again,
        )


class DagsterSide:
    """An instance of Dagster for each product, and what its event log should have."""

    name = "dagster"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Of each product, the pairs of node and key.
        self._materialized: dict[str, set[Pair]] = {}
        self._failed: dict[str, set[Pair]] = {}

    def add(self, product: Product, folder: Path) -> None:
        self._materialized[product.name], self._failed[product.name] = set(), set()
        # The assets of all products have the same keys.
        self._home = self._folder / f"{product.name}-home"
        self._home.mkdir()
        (self._home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")

    def changed(self, product: Product, folder: Path) -> None:
        """Nothing: each run reads what is compiled."""

    def run(self, product: Product, folder: Path, step: Step, kill: Kill | None) -> bool:
        first, _, last = step.named.partition("...")
        tags = {PARTITION_TAG: first}
        if last:
            tags = {FIRST_PARTITION_TAG: first, LAST_PARTITION_TAG: last}
        arguments = (str(self._home), str(folder), tags, step.tick)
        forked(launch, *arguments, kill=kill)
        if kill is not None:
            self._report_dead(product)
        return self._last_succeeded(product)

    def retry(self, product: Product, folder: Path) -> bool:
        forked(retry, str(self._home), str(folder))
        return self._last_succeeded(product)

    def claims(
        self, replay: Replay, folder: Path, step: Step, attempts: Attempts
    ) -> Iterator[Claim]:
        product = replay.product
        pairs = {(node, each.key) for each in step.periods for node in product.parents}
        materialized, failed = self._materialized[product.name], self._failed[product.name]
        for done in self._done_by_run(step, attempts, pairs):
            materialized |= done
            failed |= pairs
            failed -= done
        if not attempts[-1]:
            failed -= pairs
        found = self._found(product, folder)
        yield "materialized partitions", found[0], materialized
        yield "failed partitions", found[1], failed

    @staticmethod
    def _done_by_run(step: Step, attempts: Attempts, pairs: set[Pair]) -> list[set[Pair]]:
        """Return the pairs that each run of a step has reported as built.

        Of a node of which only some partitions were built, a run that is killed reports none.
        """
        left = set(attempts[0])
        if step.killed_at is None:
            return [pairs - set(attempts[-1])]
        begun = {node for node, _ in left}
        first = {(node, key) for node, key in pairs - left if node not in begun}
        return [first] if len(attempts) == 1 else [first, pairs - set(attempts[1])]

    def _found(self, product: Product, folder: Path) -> tuple[set[Pair], set[Pair]]:
        os.environ[PLACE] = str(folder)
        layer = job().asset_layer.asset_graph
        materialized, failed = set(), set()
        with DagsterInstance.from_config(str(self._home)) as instance:
            for node in product.parents:
                key = AssetKey([node])
                definition = layer.get(key).partitions_def
                status = get_and_update_asset_status_cache_value(instance, key, definition)
                assert status is not None
                assert definition is not None
                good = status.deserialize_materialized_partition_subsets(definition)
                bad = status.deserialize_failed_partition_subsets(definition)
                materialized |= {(node, each) for each in good.get_partition_keys()}
                failed |= {(node, each) for each in bad.get_partition_keys()}
        return materialized, failed

    def _report_dead(self, product: Product) -> None:
        """Report that a run has died, as Dagster's monitoring of runs does."""
        with DagsterInstance.from_config(str(self._home)) as instance:
            [last] = instance.get_runs(RunsFilter(job_name=product.name), limit=1)
            instance.report_run_failed(last, "its process is gone")

    def _last_succeeded(self, product: Product) -> bool:
        with DagsterInstance.from_config(str(self._home)) as instance:
            [last] = instance.get_runs(RunsFilter(job_name=product.name), limit=1)
            return last.status.value == "SUCCESS"
