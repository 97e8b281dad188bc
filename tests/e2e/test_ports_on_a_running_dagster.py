"""Updates of ports start runs on a Dagster whose daemon runs: once, and only for green builds."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

import duckdb
import psutil
import pytest
from dagster import AssetKey, DagsterInstance, DagsterRunStatus, Definitions, RunsFilter
from dagster_process import dagster_process
from epochs import seen_without_epochs, without_epochs
from filelock import FileLock
from mesh_products import PRODUCTS, Mesh
from wait_for import wait_for
from warm_floe import floe

from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.ports.ledger import ledger_of
from floe_orchestrator_dagster.loader import load_product_definitions
from floe_orchestrator_dagster.names.dagster_names import UPDATES_TAG

pytestmark = pytest.mark.slow

# How long a run may take to begin after the last update.
SOON = 60.0
# How long until a run is repeated that ended before it began to build.
TO_REPEAT = 60.0 + SOON
NO_RUNS = "concurrency: {runs: {max_concurrent_runs: 0}}\n"


class RunningMesh:
    """The products of Dagster, each a code location of one instance, and its daemon."""

    def __init__(self, folder: Path, orchestrators: Mapping[str, str] | str = "dagster") -> None:
        self.mesh = Mesh(folder / "mesh", orchestrators)
        self.mesh.compile()
        self.home = folder / "home"
        self.home.mkdir()
        self.configure()
        files = [
            {"python_file": {"relative_path": f"{self.mesh.folder}/{name}/definitions.py",
                             "location_name": name}}
            for name in PRODUCTS
            if (self.mesh.folder / name / "definitions.py").exists()
        ]  # fmt: skip
        (self.home / "workspace.yaml").write_text(json.dumps({"load_from": files}))

    def configure(self, queue: str = "") -> None:
        """Write the settings with which the next daemon starts."""
        (self.home / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\n{queue}")

    def daemon(self) -> AbstractContextManager[object]:
        return dagster_process(["dagster-daemon", "run", "-w", "workspace.yaml"], self.home)

    def build(self, product: str) -> bool:
        """Build a product somewhere else, as any orchestrator does; return whether it is green."""
        [artifacts] = self.mesh.compile(product).values()
        *_, ended = build(artifacts, BuildRequest(product, str(uuid4())))
        assert isinstance(ended, BuildEnded)
        return ended.succeeded

    def starts(self) -> list[tuple[str, str]]:
        """Return (status, updates) of the consumer's runs in this Dagster, oldest first."""
        with DagsterInstance.from_config(str(self.home)) as instance:
            runs = [run for run in instance.get_runs() if run.job_name == "marts"]
        return [
            (run.status.value, without_epochs(run.tags.get(UPDATES_TAG, "")))
            for run in reversed(runs)
        ]

    def wait_for_starts(self, *updates: str) -> None:
        """Wait until there are green runs for these updates, and see that no other comes."""
        expected = [("SUCCESS", each) for each in updates]
        wait_for(lambda: self.starts() == expected, SOON)

    def cancel_queued(self) -> None:
        """Cancel the one run in the queue, as Dagster's pages do."""
        with DagsterInstance.from_config(str(self.home)) as instance:
            [run] = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
            assert instance.run_coordinator.cancel_run(run.run_id)

    def kill_worker_at_its_start(self) -> None:
        """Kill the processes of the run that starts next, before it can say so.

        It waits at the record of its product meanwhile.
        """
        wait_for(lambda: self.starts() != [], SOON)
        with FileLock(self.mesh.folder / "ledger/marts.json.lock"):
            wait_for(lambda: self.starts() == [("STARTED", FIRST)], SOON)
            started = psutil.Process().children(recursive=True)
            [worker] = [each for each in started if is_run_worker(each)]
            killed = [worker, *worker.children(recursive=True)]
            for process in killed:
                process.kill()
            psutil.wait_procs(killed, 10)

    def is_due(self) -> bool:
        """Return whether `floe mesh` shows the consumer as due."""
        shown = floe("mesh", self.mesh.folder / "manifest-marts.yaml", "--json")
        [marts] = [each for each in json.loads(shown.stdout)["products"] if each["name"] == "marts"]
        [job] = marts["jobs"]
        return bool(job["is_due"])

    def seen(self) -> list[dict[str, int]]:
        ledger = ledger_of(self.mesh.artifacts("marts"))
        assert ledger is not None
        starts = ledger.read("marts").starts.get("marts", ())
        return [seen_without_epochs(start.seen) for start in starts]


def is_run_worker(process: psutil.Process) -> bool:
    """Return whether a code location has started a process, which is one of a run."""
    parent = process.parent()
    is_spawned = "multiprocessing.spawn" in " ".join(process.cmdline())
    return is_spawned and parent is not None and "grpc" in parent.cmdline()


@pytest.fixture
def running(tmp_path: Path) -> RunningMesh:
    return RunningMesh(tmp_path)


@contextmanager
def several_looks() -> Iterator[None]:
    """Give a sensor the time to look twice."""
    yield
    time.sleep(25)


FIRST = "billing/invoices@1#1,crm/customers@1#1"


def test_a_consumer_starts_after_the_last_producer_and_never_for_a_failed_one(
    running: RunningMesh,
) -> None:
    mesh = running.mesh
    with running.daemon():
        assert running.build("crm")
        mesh.write_model("billing", "fct_invoices", "select 1 / 'x' as invoice_id")
        with several_looks():
            assert not running.build("billing")
        assert running.starts() == []
        mesh.write_model(
            "billing", "fct_invoices", "select 1 as invoice_id, 1 as customer_id, 3 as amount"
        )
        assert running.build("billing")
        running.wait_for_starts(FIRST)
        with several_looks():
            pass
        assert [updates for _, updates in running.starts()] == [FIRST], "once"
    with duckdb.connect(str(mesh.folder / "mesh.duckdb")) as warehouse:
        assert warehouse.execute("from marts.revenue").fetchall() == [("ada", 3)]


def test_producers_on_airflow_and_prefect_start_a_consumer_on_dagster(tmp_path: Path) -> None:
    """After the last green producer, and once."""
    places = {"crm": "airflow", "billing": "prefect", "marts": "dagster"}
    running = RunningMesh(tmp_path, places)
    with running.daemon():
        for product in ("crm", "billing"):
            assert floe("run", running.mesh.folder / product).returncode == 0
        running.wait_for_starts(FIRST)
        with several_looks():
            pass
        assert len(running.starts()) == 1
    ledger = ledger_of(running.mesh.artifacts("marts"))
    assert ledger is not None
    updates = ledger.updates(["crm/customers@1", "billing/invoices@1"])
    assert {u.orchestrator for found in updates.values() for u in found} == {"airflow", "prefect"}
    last = max(u.moment for found in updates.values() for u in found)
    [start] = ledger.read("marts").starts["marts"]
    assert start.moment > last


def test_what_came_while_the_daemon_was_away_starts_one_run(running: RunningMesh) -> None:
    for product in ("crm", "billing", "crm", "crm", "billing"):
        assert running.build(product)
    with running.daemon():
        running.wait_for_starts("billing/invoices@1#2,crm/customers@1#3")
        with several_looks():
            pass
        assert len(running.starts()) == 1
    assert running.seen() == [{"billing/invoices@1": 2, "crm/customers@1": 3}]


def test_a_ledger_that_begins_again_starts_one_run_for_the_same_numbers(
    running: RunningMesh,
) -> None:
    """Dagster's daemon starts no second run for a key that it has seen."""
    with running.daemon():
        for number in (1, 2):
            for product in ("crm", "billing"):
                assert running.build(product)
            running.wait_for_starts(*[FIRST] * number)
            ledger = running.mesh.folder / "ledger"
            if number == 1:
                ledger.rename(ledger.with_name("away"))
        with several_looks():
            pass
        assert len(running.starts()) == 2
    assert not running.is_due()


def test_a_run_that_is_canceled_in_the_queue_is_followed_by_one(running: RunningMesh) -> None:
    running.configure(NO_RUNS)
    for product in ("crm", "billing"):
        assert running.build(product)
    with running.daemon():
        wait_for(lambda: running.starts() == [("QUEUED", FIRST)], SOON)
        running.cancel_queued()
        with several_looks():
            pass
        assert running.starts() == [("CANCELED", FIRST)]
        wait_for(lambda: running.starts()[1:] == [("QUEUED", FIRST)], TO_REPEAT)
    running.configure()
    with running.daemon():
        wait_for(lambda: running.starts()[1:] == [("SUCCESS", FIRST)], SOON)
        with several_looks():
            pass
        assert len(running.starts()) == 2
    assert not running.is_due()


def test_a_run_whose_worker_is_killed_at_its_start_is_followed_by_one(
    running: RunningMesh,
) -> None:
    for product in ("crm", "billing"):
        assert running.build(product)
    with running.daemon():
        running.kill_worker_at_its_start()
        assert running.seen() == []
        wait_for(lambda: running.starts() == [("FAILURE", FIRST)], SOON)
        wait_for(lambda: running.starts()[1:] == [("SUCCESS", FIRST)], TO_REPEAT)
        with several_looks():
            pass
        assert len(running.starts()) == 2
    assert not running.is_due()


def test_the_global_asset_graph_has_edges_between_products(running: RunningMesh) -> None:
    folder = running.mesh.folder
    loaded = [load_product_definitions(name, folder / name) for name in PRODUCTS]
    graph = Definitions.merge(*loaded).resolve_asset_graph()
    edges = {key.to_user_string(): graph.get(key).parent_keys for key in graph.get_all_asset_keys()}
    assert edges["stg_customers"] == {AssetKey("dim_customers")}
    assert edges["revenue"] == {AssetKey("stg_customers"), AssetKey("fct_invoices")}
    assert graph.get(AssetKey("dim_customers")).group_name == "crm"
