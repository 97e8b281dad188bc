"""Slots of Dagster's pools for nodes, in real runs on instances in files."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from borrowed_names import without, without_attribute
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, GraphDefinition, op
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster_process import dagster_process
from pooled_product import POOL, compiled_pooled, read_spans
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.foundation.lazy_names import warn_of_missing_name
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.step.internals import free_slots_of_run
from floe_orchestrator_dagster.step.node_slots import DagsterNodeSlots

NODE = "model.shop.{}"
CONTEXT = (
    "dagster._core.execution.plan.instance_concurrency_context",
    "InstanceConcurrencyContext",
)


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    warn_of_missing_name.cache_clear()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[DagsterInstance]:
    with DagsterInstance.local_temp(str(tmp_path)) as made:
        yield made


@op
def build() -> None: ...


JOB = GraphDefinition("shop", node_defs=[build]).to_job()


def begun(instance: DagsterInstance) -> DagsterRun:
    return instance.create_run_for_job(JOB, status=DagsterRunStatus.STARTED)


def slots_of(instance: DagsterInstance, run: DagsterRun) -> DagsterNodeSlots:
    context: Any = SimpleNamespace(
        instance=instance, run=run, op_handle=SimpleNamespace(name="build")
    )
    return DagsterNodeSlots(context)


def claimed(instance: DagsterInstance) -> list[str]:
    info = instance.event_log_storage.get_concurrency_info(POOL)
    return sorted(each.step_key for each in info.claimed_slots)


def pending(instance: DagsterInstance) -> list[str]:
    info = instance.event_log_storage.get_concurrency_info(POOL)
    return sorted(each.step_key for each in info.pending_steps)


def test_a_slot_is_claimed_waited_for_and_given_back(instance: DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, 1)
    slots = slots_of(instance, begun(instance))
    assert slots.try_claim(POOL, NODE.format("a")) == "claimed"
    assert slots.try_claim(POOL, NODE.format("b")) == "full"
    assert claimed(instance) == ["build.model.shop.a"]
    assert pending(instance) == ["build.model.shop.a", "build.model.shop.b"]
    # One that gives up leaves the queue.
    slots.free(POOL, NODE.format("b"))
    slots.free(POOL, NODE.format("a"))
    assert (claimed(instance), pending(instance)) == ([], [])


def test_a_pool_without_a_limit_holds_nothing_back(instance: DagsterInstance) -> None:
    slots = slots_of(instance, begun(instance))
    assert slots.try_claim(POOL, NODE.format("a")) == "unlimited"
    assert f"dagster instance concurrency set {POOL}" in slots.how_to_limit(POOL)


def with_settings(tmp_path: Path, pools: str) -> DagsterInstance:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(f"concurrency: {{pools: {pools}}}\n")
    return DagsterInstance.from_config(str(home))


def test_dagsters_default_limit_holds(tmp_path: Path) -> None:
    with with_settings(tmp_path, "{default_limit: 1}") as instance:
        slots = slots_of(instance, begun(instance))
        answers = [slots.try_claim(POOL, NODE.format(name)) for name in "ab"]
    assert answers == ["claimed", "full"]


def test_where_pools_count_runs_no_node_waits(tmp_path: Path) -> None:
    with with_settings(tmp_path, "{granularity: run}") as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)
        slots = slots_of(instance, begun(instance))
        assert {slots.try_claim(POOL, NODE.format(name)) for name in "ab"} == {"unlimited"}
        assert "granularity" in slots.how_to_limit(POOL)


def test_claims_at_the_same_time_do_not_exceed_the_limit(instance: DagsterInstance) -> None:
    """Nor do they with instances of their own, as processes have."""
    instance.event_log_storage.set_concurrency_slots(POOL, 2)
    runs = [begun(instance) for _ in range(4)]
    start = threading.Barrier(len(runs))

    def claim(run: DagsterRun) -> int:
        with DagsterInstance.from_ref(instance.get_ref()) as own:
            slots = slots_of(own, run)
            start.wait()
            names = (NODE.format(n) for n in range(3))
            return sum(slots.try_claim(POOL, name) == "claimed" for name in names)

    with ThreadPoolExecutor(len(runs)) as threads:
        counts = list(threads.map(claim, runs))
    assert (sum(counts), len(claimed(instance))) == (2, 2)


def test_a_step_that_is_tried_again_frees_what_its_killed_attempt_had(
    instance: DagsterInstance,
) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, 3)
    run, other = begun(instance), begun(instance)
    slots_of(instance, run).try_claim(POOL, NODE.format("a"))
    slots_of(instance, other).try_claim(POOL, NODE.format("b"))
    slots_of(instance, run).free_of_killed(POOL)
    assert claimed(instance) == ["build.model.shop.b"]


def test_a_node_that_waits_frees_what_runs_that_are_over_have_left(
    instance: DagsterInstance,
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots(POOL, 2)
    killed = begun(instance)
    slots_of(instance, killed).try_claim(POOL, NODE.format("a"))
    # An op of theirs may go on after its run.
    storage.claim_concurrency_slot(POOL, killed.run_id, "their_op")
    # Its place in the queue would get the slot.
    assert slots_of(instance, killed).try_claim(POOL, NODE.format("queued")) == "full"
    instance.report_run_failed(killed)
    assert slots_of(instance, begun(instance)).try_claim(POOL, NODE.format("b")) == "claimed"
    assert claimed(instance) == ["build.model.shop.b", "their_op"]


def test_dagsters_daemon_frees_what_a_killed_run_has_left(tmp_path: Path) -> None:
    """With the settings of docs/pools.md, and less patience."""
    home = tmp_path / "home"
    home.mkdir()
    monitoring = "enabled: true, free_slots_after_run_end_seconds: 1, poll_interval_seconds: 1"
    (home / "dagster.yaml").write_text(f"run_monitoring: {{{monitoring}}}\n")
    with DagsterInstance.from_config(str(home)) as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)
        killed = begun(instance)
        assert slots_of(instance, killed).try_claim(POOL, NODE.format("a")) == "claimed"
        instance.report_run_failed(killed)
        with dagster_process(["dagster-daemon", "run", "--empty-workspace"], home):
            wait_for(lambda: not claimed(instance), 90)


def test_without_the_names_no_node_waits(
    instance: DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, 1)
    run = begun(instance)
    with without(*CONTEXT):
        slots = slots_of(instance, run)
        assert {slots.try_claim(POOL, NODE.format(name)) for name in "ab"} == {"unlimited"}
    assert ["nodes do not wait for slots" in text for text in caplog.messages] == [True]


def test_without_the_method_slots_of_a_killed_run_stay(
    instance: DagsterInstance, caplog: pytest.LogCaptureFixture
) -> None:
    with without_attribute(SqlEventLogStorage, "free_concurrency_slots_for_run"):
        free_slots_of_run(instance, "gone")
    assert ["stay taken" in text for text in caplog.messages] == [True]


def test_a_run_gives_all_back_when_a_node_fails(tmp_path: Path, instance: DagsterInstance) -> None:
    instance.event_log_storage.set_concurrency_slots(POOL, 1)
    product = compiled_pooled(tmp_path / "one", "one", "dagster", tmp_path / "spans", seconds=0.1)
    (product.folder / "models" / "pooled" / "bad.sql").write_text("select no_such_column")
    product = compile_product(product.folder, orchestrator="dagster")
    definitions = DagsterPlugin().create_definitions(product)
    result = definitions.resolve_job_def("one").execute_in_process(
        instance=instance, raise_on_error=False
    )
    assert not result.success
    assert len(read_spans(tmp_path / "spans")) == 4
    assert (claimed(instance), pending(instance)) == ([], [])
