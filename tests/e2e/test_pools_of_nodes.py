"""Runs of two products at once on one Dagster and on one Prefect, with nodes in one pool.

What ran at the same time is told by the models themselves, what is taken by the orchestrator's own
database.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
from dagster import DagsterInstance
from dagster_process import make_tables
from everywhere import holders_of, instance_of
from own_group import started_in_own_group
from pooled_product import POOL, compiled_pooled, most_at_once, pooled_of, read_spans
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeStarted
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_dagster import DagsterPlugin

TO_END = 300.0
JOB_IN_A_POOL = """\
jobs:
  - {name: slow-job, select: "*", pool: slow}
"""


class OneDagster:
    """An instance in files, and programs that run jobs of compiled products on it."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        make_tables(home)
        self.home = home

    def limit(self, slots: int, pool: str = POOL) -> None:
        with self.instance() as instance:
            instance.event_log_storage.set_concurrency_slots(pool, slots)

    def instance(self) -> DagsterInstance:
        return DagsterInstance.from_config(str(self.home))

    def taken(self, pool: str = POOL) -> list[tuple[str, str]]:
        """Return the run and step of each slot that is taken or waited for."""
        with self.instance() as instance:
            info = instance.event_log_storage.get_concurrency_info(pool)
        return [(each.run_id, each.step_key) for each in (*info.claimed_slots, *info.pending_steps)]

    def executing(self, product: CompiledArtifacts, job: str) -> subprocess.Popen[bytes]:
        """Begin a run as a user of Dagster does: its step is a process of its own."""
        command = ["dagster", "job", "execute", "-f", "definitions.py", "-j", job]
        environment = {**os.environ, "DAGSTER_HOME": str(self.home)}
        log = self.home / f"{product.product.name}.log"
        return started_in_own_group(command, log, product.folder, environment)

    def logs(self) -> str:
        return "\n".join(log.read_text()[-3000:] for log in self.home.glob("*.log"))


@pytest.fixture
def dagster(tmp_path: Path) -> OneDagster:
    return OneDagster(tmp_path / "dagster")


def two_products(
    folder: Path, orchestrator: str, more: str = "", **shape: float
) -> list[CompiledArtifacts]:
    shape = {"seconds": 2.0, **shape}
    return [
        compiled_pooled(folder / name, name, orchestrator, folder / "spans", more=more, **shape)  # type: ignore[arg-type]
        for name in ("one", "two")
    ]


@contextmanager
def gone(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Leave nothing of a process and its group."""
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def test_two_products_on_dagster_share_the_slots_of_a_pool(
    dagster: OneDagster, tmp_path: Path
) -> None:
    products = two_products(tmp_path, "dagster")
    dagster.limit(2)
    with ExitStack() as stack:
        runs = [
            stack.enter_context(gone(dagster.executing(each, each.product.name)))
            for each in products
        ]
        assert [run.wait(TO_END) for run in runs] == [0, 0], dagster.logs()
    spans = read_spans(tmp_path / "spans")
    assert (len(spans), most_at_once(pooled_of(spans))) == (8, 2)
    assert most_at_once(spans) > 2
    assert dagster.taken() == []


def test_a_slot_that_an_op_of_somebody_else_has_counts_and_a_cancel_ends_the_wait(
    dagster: OneDagster, tmp_path: Path
) -> None:
    [product, _] = two_products(tmp_path, "dagster", free=1, pooled=1)
    dagster.limit(1)
    with dagster.instance() as instance:
        theirs = instance.event_log_storage.claim_concurrency_slot(POOL, "their-run", "their_op")
        assert theirs.is_claimed
    with gone(dagster.executing(product, "one")) as run:
        wait_for(
            lambda: any(s == "one__dbt_build.model.shop.one_pooled_0" for _, s in dagster.taken()),
            90,
        )
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(60) != 0
    assert pooled_of(read_spans(tmp_path / "spans")) == []
    assert set(dagster.taken()) == {("their-run", "their_op")}


def test_slots_of_a_run_that_was_killed_are_there_for_the_next(
    dagster: OneDagster, tmp_path: Path
) -> None:
    one, two = two_products(tmp_path, "dagster", free=0, pooled=2, seconds=1.0)
    dagster.limit(1)
    with gone(dagster.executing(one, "one")) as run:
        wait_for(lambda: bool(read_spans(tmp_path / "spans")), 90)
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    [(killed, _), *_] = taken = dagster.taken()
    assert {run_id for run_id, _ in taken} == {killed}
    with dagster.instance() as instance:
        found = instance.get_run_by_id(killed)
        assert found is not None
        # As Dagster's daemon does with a run whose worker is gone.
        instance.report_run_failed(found)
    with gone(dagster.executing(two, "two")) as run:
        assert run.wait(TO_END) == 0, dagster.logs()
    assert (
        most_at_once(pooled_of([s for s in read_spans(tmp_path / "spans") if "two" in s.name])) == 1
    )
    assert dagster.taken() == []


def test_floe_run_gives_back_the_slots_of_a_process_that_was_killed(tmp_path: Path) -> None:
    product = compiled_pooled(tmp_path / "one", "one", "dagster", tmp_path / "spans", seconds=60.0)
    home = product.folder / ".floe" / "dagster"
    home.mkdir(parents=True)
    with instance_of(product) as instance:
        instance.event_log_storage.set_concurrency_slots(POOL, 1)

    def kill(event: BuildEvent) -> None:
        if isinstance(event, NodeStarted) and "_pooled_" in event.unique_id:
            with instance_of(product) as instance:
                info = instance.event_log_storage.get_concurrency_info(POOL)
            assert len(info.claimed_slots) == 1
            [holder] = holders_of(product.folder / "shop.duckdb")
            holder.kill()

    with pytest.raises(EnvironmentProblemError):
        DagsterPlugin().launch_run(product, RunOptions("one"), kill)
    with instance_of(product) as instance:
        info = instance.event_log_storage.get_concurrency_info(POOL)
    assert (info.claimed_slots, info.pending_steps) == ([], [])


def test_jobs_of_two_products_wait_for_the_pool_of_the_job(
    dagster: OneDagster, tmp_path: Path
) -> None:
    products = two_products(tmp_path, "dagster", JOB_IN_A_POOL, free=1, pooled=0, seconds=1.5)
    dagster.limit(1, "slow")
    with ExitStack() as stack:
        runs = [
            stack.enter_context(gone(dagster.executing(each, f"{each.product.name}__slow_job")))
            for each in products
        ]
        assert [run.wait(TO_END) for run in runs] == [0, 0], dagster.logs()
    spans = read_spans(tmp_path / "spans")
    assert (len(spans), most_at_once(spans)) == (2, 1)
    assert dagster.taken("slow") == []


class OnePrefect:
    """A server, and two products that are served beside it."""

    def __init__(self, folder: Path, **shape: float) -> None:
        self.products = two_products(folder, "prefect", **shape)
        self.prefect = RunningPrefect(folder)
        self.folder = folder

    @contextmanager
    def serving(self, slots: int) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self.prefect.up())
            self.prefect.request("POST", "/v2/concurrency_limits/", {"name": POOL, "limit": slots})
            for product in self.products:
                stack.enter_context(self.prefect.serving(product.folder))
            yield

    def taken(self) -> int:
        return int(self.prefect.request("GET", f"/v2/concurrency_limits/{POOL}")["active_slots"])

    def trigger(self) -> list[str]:
        return [self.prefect.trigger(f"{each.product.name}/floe") for each in self.products]


def test_two_products_on_prefect_share_the_slots_of_a_limit(tmp_path: Path) -> None:
    served = OnePrefect(tmp_path)
    with served.serving(2):
        runs = served.trigger()
        ends = [served.prefect.ended(run_id, TO_END) for run_id in runs]
        assert ends == ["Completed", "Completed"], served.prefect.logs()[-6000:]
        assert served.taken() == 0
    spans = read_spans(tmp_path / "spans")
    assert (len(spans), most_at_once(pooled_of(spans))) == (8, 2)
    assert most_at_once(spans) > 2


@pytest.mark.slow
def test_what_a_canceled_and_a_killed_run_have_leased_on_prefect_is_given_back(
    tmp_path: Path,
) -> None:
    served = OnePrefect(tmp_path, free=0, pooled=1, seconds=300.0)
    with served.serving(1):
        # One has the slot, the other waits.
        first, second = served.trigger()
        wait_for(lambda: len(read_spans(tmp_path / "spans")) == 1, TO_END)
        [span] = read_spans(tmp_path / "spans")
        [product] = [each for each in served.products if each.product.name in span.name]
        [holder] = holders_of(product.folder / "shop.duckdb")
        assert served.taken() == 1
        kill_with_children(holder)
        # The lease runs out, and the other run gets the slot.
        wait_for(lambda: len(read_spans(tmp_path / "spans")) == 2, 240)
        for run_id in (first, second):
            if served.prefect.run(run_id)["state"]["type"] == "RUNNING":
                served.prefect.cancel(run_id)
        wait_for(lambda: served.taken() == 0, 240)


def kill_with_children(process: psutil.Process) -> None:
    for each in [*process.children(recursive=True), process]:
        each.kill()
