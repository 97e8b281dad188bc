"""What starts a run of a deployment for updates of ports, on a real server and a ledger of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from epochs import without_epochs
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Completed, Running, Scheduled
from running_prefect import RunningPrefect
from updating_mesh import Mesh

from floe_core.ports.ledger import ledger_of
from floe_core.ports.record import Update
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_prefect.loader import load_product_flows
from floe_orchestrator_prefect.ticks.started_by import LONGEST_KEY, run_key, updates_of_key
from floe_orchestrator_prefect.ticks.update_watch import MOST_STARTS, start_if_due

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPrefect]:
    running = RunningPrefect(tmp_path_factory.mktemp("update-watch"))
    with running.up():
        yield running


@pytest.fixture(scope="module")
def report(prefect: RunningPrefect) -> CompiledArtifacts:
    return Mesh(prefect.folder / "mesh", "prefect").consumers["report"]


class Deployment:
    """The deployment of `report`, which nobody serves: its runs stay as they are."""

    def __init__(
        self, prefect: RunningPrefect, client: SyncPrefectClient, report: CompiledArtifacts
    ) -> None:
        self._prefect = prefect
        self.client = client
        self._report = report
        self.id = UUID(prefect.deployment("report/floe")["id"])
        # Why the last look started no run again.
        self.reasons: list[str] = []

    @property
    def job(self) -> Job:
        return self._report.job("report")

    def update(self, run_id: str) -> None:
        ledger = ledger_of(self._report)
        assert ledger is not None
        ledger.add_updates(
            "sales", ["orders@1"], Update(number=0, moment=datetime.now(UTC), run_id=run_id)
        )

    def look(self, later: timedelta = timedelta()) -> UUID | None:
        now, self.reasons = datetime.now(UTC) + later, []
        return start_if_due(self.client, self._report, self.job, now, self.reasons.append)

    def runs(self) -> list[dict[str, Any]]:
        return list(self._prefect.request("POST", "/flow_runs/filter", {}))

    @property
    def ledger_folder(self) -> Path:
        return Path(os.environ["FLOE_LEDGER"])

    def cancel(self, run_id: UUID) -> None:
        self.client.set_flow_run_state(run_id, Cancelled(), force=True)

    def end(self, run_id: UUID) -> None:
        self.client.set_flow_run_state(run_id, Completed(), force=True)

    def pause(self, is_paused: bool) -> None:
        self._prefect.request("PATCH", f"/deployments/{self.id}", {"paused": is_paused})


@pytest.fixture
def deployment(
    prefect: RunningPrefect, report: CompiledArtifacts, tmp_path: Path
) -> Iterator[Deployment]:
    """Yield it on a ledger of its own, without runs."""
    with pytest.MonkeyPatch.context() as patch, temporary_settings({PREFECT_API_URL: prefect.url}):
        (tmp_path / "ledger").mkdir()
        patch.setenv("FLOE_LEDGER", str(tmp_path / "ledger"))
        [found] = load_product_flows("report", report.folder).deployments()
        found.apply()
        with SyncPrefectClient(prefect.url) as client:
            for run in prefect.request("POST", "/flow_runs/filter", {}):
                prefect.request("DELETE", f"/flow_runs/{run['id']}")
            yield Deployment(prefect, client, report)


def test_updates_start_one_run_which_names_them(deployment: Deployment) -> None:
    assert deployment.look() is None
    deployment.update("one")
    deployment.update("two")
    started = deployment.look()
    assert [deployment.look() for _ in range(2)] == [None, None]
    [run] = deployment.runs()
    assert (run["id"], without_epochs(run["idempotency_key"]), run["state"]["type"]) == (
        str(started),
        "floe-updates:report:sales/orders@1#2",
        "SCHEDULED",
    )
    [(port, number)] = updates_of_key("report", run["idempotency_key"])
    assert (without_epochs(port), number) == ("sales/orders@1", 2)


def test_a_run_that_ends_before_it_builds_is_followed_by_another_a_minute_later(
    deployment: Deployment,
) -> None:
    deployment.update("one")
    started = deployment.look()
    assert started is not None
    deployment.cancel(started)
    # The run never came to say what it has seen.
    assert deployment.look() is None
    [reason] = deployment.reasons
    assert reason.endswith("ended before it began to build; the next one starts 60 s later")
    second = deployment.look(timedelta(seconds=61))
    assert second not in (None, started)
    assert second is not None
    deployment.cancel(second)
    assert deployment.look(timedelta(seconds=61)) is None
    assert deployment.look(timedelta(seconds=121)) is not None
    keys = {run["idempotency_key"] for run in deployment.runs()}
    assert len({updates_of_key("report", key) for key in keys}) == 1
    assert len(keys) == 3


def test_after_the_last_of_such_runs_it_says_that_no_other_one_starts(
    deployment: Deployment,
) -> None:
    deployment.update("one")
    for _ in range(MOST_STARTS):
        started = deployment.look(timedelta(hours=2))
        assert started is not None
        deployment.cancel(started)
    assert deployment.look(timedelta(days=2)) is None
    [reason] = deployment.reasons
    assert reason.endswith("100 flow runs ended before they began to build; start one by hand")
    assert len(deployment.runs()) == MOST_STARTS
    deployment.update("two")
    assert deployment.look(timedelta(days=2)) is not None


def test_a_ledger_that_begins_again_starts_runs_again(deployment: Deployment) -> None:
    deployment.update("one")
    started = deployment.look()
    assert started is not None
    deployment.end(started)
    for record in deployment.ledger_folder.glob("*.json"):
        record.rename(f"{record}.away")
    deployment.update("two")
    assert deployment.look() not in (None, started)


def test_what_comes_during_a_run_waits_for_its_end(deployment: Deployment) -> None:
    by_hand = deployment.client.create_flow_run_from_deployment(deployment.id)
    deployment.client.set_flow_run_state(by_hand.id, Running(), force=True)
    deployment.update("one")
    assert deployment.look() is None
    deployment.end(by_hand.id)
    assert deployment.look() is not None


def test_a_run_that_is_planned_for_tomorrow_holds_back_nothing(deployment: Deployment) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    deployment.client.create_flow_run_from_deployment(
        deployment.id, state=Scheduled(scheduled_time=tomorrow)
    )
    deployment.update("one")
    assert deployment.look() is not None


def test_a_paused_deployment_starts_once_it_is_not(deployment: Deployment) -> None:
    deployment.pause(True)
    assert (deployment.look(), deployment.reasons) == (None, [])
    deployment.update("one")
    assert deployment.look() is None
    [reason] = deployment.reasons
    assert without_epochs(reason) == "sales/orders@1#1: the deployment is paused in Prefect"
    deployment.pause(False)
    assert deployment.look() is not None


def test_a_paused_job_starts_once_it_is_resumed(
    deployment: Deployment, report: CompiledArtifacts
) -> None:
    schedules = JobSchedules(report)
    schedules.pause("report")
    deployment.update("one")
    assert deployment.look() is None
    schedules.resume("report")
    assert deployment.look() is not None


def test_a_key_that_is_too_long_for_an_index_is_a_hash() -> None:
    decision = ",".join(f"product-{n}/port@1#{n}" for n in range(200))
    key = run_key("report", decision)
    assert len(key) < LONGEST_KEY
    assert key == run_key("report", decision) != run_key("report", decision + "0")
    assert updates_of_key("report", key) == ()
