"""Updates that other processes write into the ledger start flow runs of a product that is served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from epochs import key_of_last, without_epochs
from filelock import FileLock
from running_prefect import RunningPrefect
from updating_mesh import Mesh
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.ports.ledger import ledger_of

pytestmark = pytest.mark.slow

# A consumer starts within this of the last green producer.
TO_START = 60.0
# Long enough for two looks at the ledger.
NOTHING_COMES = 30.0
TO_END = 120.0
# How long until a run is repeated that ended before it began to build.
TO_REPEAT = 60.0 + TO_START


TOGETHER = """\
from pathlib import Path

from prefect import flow
from floe_orchestrator_prefect import load_product_flows, serve_products

HERE = Path(__file__).parent


@flow
def theirs():
    (HERE / "theirs.txt").write_text("done")


if __name__ == "__main__":
    products = [load_product_flows(name, HERE / name) for name in ("marts", "report")]
    serve_products(*products, deployments=[theirs.to_deployment("team")])
"""


class PrefectOfMesh:
    """The consumers of a mesh and a flow of a team, served by one process beside a server."""

    def __init__(self, folder: Path) -> None:
        self.mesh = Mesh(folder / "mesh", "prefect")
        (self.mesh.folder / "together.py").write_text(TOGETHER)
        self.prefect = RunningPrefect(folder)

    def serving(self) -> AbstractContextManager[None]:
        return self.prefect.serving(self.mesh.folder, "together.py")

    def runs(self, flow: str) -> list[dict[str, Any]]:
        wanted = {"flows": {"name": {"any_": [flow]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found: list[dict[str, Any]] = self.prefect.request("POST", "/flow_runs/filter", wanted)
        return found

    def states(self, flow: str) -> list[str]:
        return [run["state"]["name"] for run in self.runs(flow)]

    def starts(self, flow: str, before: int) -> None:
        """Wait for the start of the one run that comes next, for its end, and for no other."""
        not_yet = {"Scheduled", "Late", "Pending"}
        wait_for(lambda: bool({*self.states(flow)[before:]} - not_yet), TO_START)
        self.stays_at(flow, before + 1)
        wait_for(lambda: self.has_ended(flow, before), TO_END)
        assert self.states(flow)[before:] == ["Completed"], self.prefect.logs()[-5000:]

    def has_ended(self, flow: str, index: int) -> bool:
        final = {"COMPLETED", "FAILED", "CANCELLED", "CRASHED"}
        return any(run["state"]["type"] in final for run in self.runs(flow)[index:])

    def stays_at(self, flow: str, count: int) -> None:
        time.sleep(NOTHING_COMES)
        assert len(self.runs(flow)) == count, self.states(flow)

    def kill_worker_at_its_start(self, flow: str, before: int) -> None:
        """Kill the processes of the run that starts next, before it can say so.

        It waits at the record of its product meanwhile.
        """
        wait_for(lambda: len(self.runs(flow)) > before, TO_START)
        with FileLock(f"{self.mesh.record_of(flow)}.lock"):
            wait_for(lambda: self.states(flow)[before:] == ["Running"], TO_START)
            runner = self.prefect.process("serve")
            killed = runner.children(recursive=True)
            for process in killed:
                process.kill()
            psutil.wait_procs(killed, 10)

    def pause(self, flow: str, is_paused: bool) -> None:
        found = self.prefect.deployment(f"{flow}/floe")
        self.prefect.request("PATCH", f"/deployments/{found['id']}", {"paused": is_paused})


@pytest.fixture(scope="module")
def of_mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectOfMesh]:
    found = PrefectOfMesh(tmp_path_factory.mktemp("updates"))
    with found.prefect.up():
        yield found


def test_the_last_of_two_green_producers_starts_the_consumer_and_a_red_one_does_not(
    of_mesh: PrefectOfMesh,
) -> None:
    with of_mesh.serving():
        of_mesh.mesh.update("crm")
        of_mesh.mesh.fail("sales")
        of_mesh.stays_at("marts", 0)
        of_mesh.mesh.update("sales")
        of_mesh.starts("marts", 0)
        [run] = of_mesh.runs("marts")
    assert (without_epochs(run["idempotency_key"]), sorted(run["tags"])) == (
        "floe-updates:marts:crm/customers@1#1,sales/orders@1#1",
        ["crm/customers@1", "marts", "sales/orders@1"],
    )
    with duckdb.connect(str(of_mesh.mesh.folder / "mesh.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("from marts.mart").fetchall() == [(1, "Ada", 7, 1)]


def test_what_comes_while_nobody_serves_starts_one_run_afterwards(of_mesh: PrefectOfMesh) -> None:
    before = len(of_mesh.runs("marts"))
    of_mesh.mesh.update("crm", "sales", "crm")
    assert len(of_mesh.runs("marts")) == before
    with of_mesh.serving():
        of_mesh.starts("marts", before)


def test_what_comes_while_a_deployment_is_paused_starts_it_once_afterwards(
    of_mesh: PrefectOfMesh,
) -> None:
    before = len(of_mesh.runs("marts"))
    with of_mesh.serving():
        of_mesh.pause("marts", True)
        of_mesh.mesh.update("crm", "sales")
        of_mesh.stays_at("marts", before)
        of_mesh.mesh.update("sales")
        of_mesh.pause("marts", False)
        of_mesh.starts("marts", before)


def test_what_comes_during_a_run_starts_one_more(of_mesh: PrefectOfMesh) -> None:
    with of_mesh.serving():
        # What the tests before this one left.
        wait_for(lambda: len(of_mesh.runs("report")) > 0, TO_START)
        time.sleep(NOTHING_COMES)
        wait_for(lambda: of_mesh.has_ended("report", -1), TO_END)
        before = len(of_mesh.runs("report"))
        of_mesh.mesh.hold()
        try:
            of_mesh.mesh.update("sales")
            wait_for(lambda: of_mesh.states("report")[before:] == ["Running"], TO_START)
            of_mesh.mesh.update("sales", "sales")
            of_mesh.stays_at("report", before + 1)
        finally:
            of_mesh.mesh.release()
        wait_for(lambda: of_mesh.states("report")[before] == "Completed", TO_END)
        of_mesh.starts("report", before + 1)


def test_a_run_whose_worker_is_killed_at_its_start_is_followed_by_one(
    of_mesh: PrefectOfMesh,
) -> None:
    before = len(of_mesh.runs("marts"))
    with of_mesh.serving():
        of_mesh.mesh.update("crm", "sales")
        of_mesh.kill_worker_at_its_start("marts", before)
        wait_for(lambda: of_mesh.states("marts")[before] == "Crashed", TO_END)
        wait_for(lambda: of_mesh.states("marts")[before:] == ["Crashed", "Completed"], TO_REPEAT)
        of_mesh.stays_at("marts", before + 2)


def test_a_run_for_what_another_run_has_begun_with_builds_nothing(of_mesh: PrefectOfMesh) -> None:
    with of_mesh.serving():
        deployment = of_mesh.prefect.deployment("marts/floe")
        # As somebody who asks twice: the key names what the runs before have seen.
        updates = key_of_last(ledger_of(of_mesh.mesh.consumers["marts"]), "crm/customers@1")
        key = f"floe-updates:marts:{updates}"
        place = f"/deployments/{deployment['id']}/create_flow_run"
        wanted = {"state": {"type": "SCHEDULED"}, "idempotency_key": key}
        run_id = of_mesh.prefect.request("POST", place, wanted)["id"]
        assert of_mesh.prefect.ended(run_id) == "Skipped"
        run = of_mesh.prefect.run(run_id)
        # A canceled state that a flow returns would end its process with a traceback.
        wait_for(lambda: f"'{run_id}' aborted" in of_mesh.prefect.logs(), TO_END)
    assert (run["state"]["type"], run["state"]["message"]) == (
        "CANCELLED",
        "another run of marts has begun with the updates of crm/customers@1",
    )
    tasks = of_mesh.prefect.tasks(run_id)
    assert tasks == {"dbt_build": "Skipped", "mart": "Cancelled"}


def test_a_ledger_that_cannot_be_read_for_a_while_is_read_again(of_mesh: PrefectOfMesh) -> None:
    record = of_mesh.mesh.folder / "ledger" / "marts.json"
    good, before = record.read_bytes(), len(of_mesh.runs("marts"))
    with of_mesh.serving():
        record.write_bytes(b"not a record")
        try:
            of_mesh.mesh.update("crm", "sales")
            of_mesh.stays_at("marts", before)
        finally:
            record.write_bytes(good)
        of_mesh.starts("marts", before)


def test_the_ports_that_are_read_are_the_producers_assets(of_mesh: PrefectOfMesh) -> None:
    """What Prefect's own server has of the materialization: the related resources of its event."""
    wanted = {"filter": {"event": {"name": ["prefect.asset.materialization.succeeded"]}}}
    found = of_mesh.prefect.request("POST", "/events/filter", wanted)["events"]
    of_mart = [e for e in found if e["resource"]["prefect.resource.id"] == "floe://marts/mart"]
    above = {
        each["prefect.resource.id"]
        for each in of_mart[0]["related"]
        if each["prefect.resource.role"] == "asset"
    }
    assert above == {"floe://crm/dim_customers", "floe://sales/orders"}


def test_a_producers_run_that_is_retried_to_green_updates_its_ports(
    of_mesh: PrefectOfMesh,
) -> None:
    prefect = of_mesh.prefect
    sales = compile_product(of_mesh.mesh.folder / "sales", orchestrator="prefect")

    def updated() -> list[dict[str, str]]:
        wanted = {"filter": {"event": {"name": ["floe.port.updated"]}}}
        found = prefect.request("POST", "/events/filter", wanted)["events"]
        return [event["resource"] for event in found]

    def runs_in_ledger() -> list[str]:
        ledger = ledger_of(sales)
        assert ledger is not None
        return [u.run_id for u in ledger.updates(["sales/orders@1"])["sales/orders@1"]]

    before = runs_in_ledger()
    with prefect.serving(sales.folder, RED="yes"):
        run_id = prefect.trigger("sales/floe")
        assert prefect.ended(run_id) == "Failed"
    assert (runs_in_ledger(), updated()) == (before, [])
    with prefect.serving(sales.folder):
        # As the button Retry: only the test that failed runs again.
        again = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
        prefect.request("POST", f"/flow_runs/{run_id}/set_state", again)
        wait_for(lambda: prefect.run(run_id)["state"]["name"] == "Completed", TO_END)
        wait_for(lambda: len(updated()) > 0, TO_START)
    assert runs_in_ledger() == [*before, f"{run_id}.2"]
    assert updated() == [
        {
            "prefect.resource.id": "floe://sales/orders",
            "prefect.resource.name": "orders",
            "floe.port": "sales/orders@1",
            "floe.product": "sales",
            "floe.product.version": "1.0.0",
        }
    ]


def test_a_teams_own_flow_is_served_beside_the_products(of_mesh: PrefectOfMesh) -> None:
    prefect = of_mesh.prefect
    with of_mesh.serving():
        assert prefect.ended(prefect.trigger("theirs/team")) == "Completed"
    assert (of_mesh.mesh.folder / "theirs.txt").read_text() == "done"
    paused = {
        name: prefect.deployment(name)["paused"]
        for name in ("marts/floe", "report/floe", "theirs/team")
    }
    assert paused == {"marts/floe": False, "report/floe": False, "theirs/team": False}
