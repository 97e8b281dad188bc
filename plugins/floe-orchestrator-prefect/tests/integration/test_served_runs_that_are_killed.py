"""What becomes of flow runs when the process that serves them is killed, on a real server."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from alert_receiver import AlertReceiver, alert_receiver
from prefect.client.orchestration import SyncPrefectClient
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingConcurrencySlot, Cancelled, Crashed, Pending, Running, State
from running_prefect import RunningPrefect
from served_product import compile_served_product
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.alerts.dead_runs import FOLDER
from floe_orchestrator_prefect.alerts.lost_runs import restart_lost_runs
from floe_orchestrator_prefect.alerts.never_begun import (
    LOST_WITHIN,
    MOST_STARTS,
    SLOT_LOST,
    TO_BEGIN,
    may_go_on,
)
from floe_orchestrator_prefect.loader import load_product_flows
from floe_orchestrator_prefect.names.prefect_names import SKIPPED_RUN

pytestmark = pytest.mark.long

LATER = TO_BEGIN + timedelta(seconds=10)


@pytest.fixture(scope="module")
def receiver() -> Iterator[AlertReceiver]:
    with alert_receiver() as running, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHOP_ALERTS_URL", running.url)
        yield running


@pytest.fixture(scope="module")
def prefect(
    tmp_path_factory: pytest.TempPathFactory, receiver: AlertReceiver
) -> Iterator[RunningPrefect]:
    running = RunningPrefect(tmp_path_factory.mktemp("lost-runs"))
    with running.up():
        yield running


@pytest.fixture(scope="module")
def shop(prefect: RunningPrefect) -> CompiledArtifacts:
    folder = compile_served_product(prefect.folder / "shop", "prefect", prefect.url).folder
    alerts = "alerts: [{on: [failure], to: \"{{ env_var('SHOP_ALERTS_URL') }}\"}]\n"
    with (folder / "floe.yaml").open("a") as spec:
        spec.write(alerts)
    return compile_product(folder)


@dataclass(frozen=True)
class Hanging:
    """A run in progress, and the process that serves it."""

    serving: subprocess.Popen[bytes]
    run_id: str


class Deployment:
    """The deployment of `good`, which nobody serves: its runs stay as they are."""

    def __init__(self, client: SyncPrefectClient, shop: CompiledArtifacts, id_: UUID) -> None:
        self.client, self._shop, self._id = client, shop, id_

    def run(self, state: State[Any]) -> str:
        """Create a run, bring it to a state, and return its name."""
        run = self.client.create_flow_run_from_deployment(self._id)
        self.client.set_flow_run_state(run.id, state, force=True)
        return run.name

    def restarted(self, after: timedelta) -> list[str]:
        return restart_lost_runs(self.client, self._shop, datetime.now(UTC) + after)

    def states(self) -> dict[str, str]:
        found = self.client.read_flow_runs()
        return {run.name: run.state.type.value for run in found if run.state}


@pytest.fixture
def deployment(prefect: RunningPrefect, shop: CompiledArtifacts) -> Iterator[Deployment]:
    with temporary_settings({PREFECT_API_URL: prefect.url}):
        for each in load_product_flows("web-shop", shop.folder).deployments():
            each.apply()
        with SyncPrefectClient(prefect.url) as client:
            for run in prefect.request("POST", "/flow_runs/filter", {}):
                prefect.request("DELETE", f"/flow_runs/{run['id']}")
            id_ = UUID(prefect.deployment("web-shop.good/floe")["id"])
            yield Deployment(client, shop, id_)


def test_a_pending_run_starts_again_when_it_had_the_time_to_begin(deployment: Deployment) -> None:
    name = deployment.run(Pending(name="Submitting"))
    assert deployment.restarted(TO_BEGIN / 2) == []
    assert deployment.restarted(LATER) == [name]
    assert deployment.states()[name] == "SCHEDULED"
    assert deployment.restarted(LATER) == []


def test_a_crashed_run_that_never_began_starts_again_a_few_times(deployment: Deployment) -> None:
    name = deployment.run(Pending())
    run = next(each for each in deployment.client.read_flow_runs() if each.name == name)
    restarts = 0
    while True:
        deployment.client.set_flow_run_state(run.id, Crashed(), force=True)
        if not deployment.restarted(timedelta(0)):
            break
        restarts += 1
        for state in (Pending(), Pending(name="Submitting")):
            deployment.client.set_flow_run_state(run.id, state, force=True)
    assert restarts == MOST_STARTS - 1


@pytest.mark.parametrize("end", [lambda: Crashed(), lambda: Pending()])
def test_a_run_that_began_or_is_history_is_left_alone(
    end: Callable[[], State[Any]], deployment: Deployment
) -> None:
    name = deployment.run(Running())
    run = next(each for each in deployment.client.read_flow_runs() if each.name == name)
    deployment.client.set_flow_run_state(run.id, end(), force=True)
    assert deployment.restarted(LATER) == []
    deployment.run(end())
    assert deployment.restarted(LOST_WITHIN + LATER) == []


def test_a_run_that_gave_its_slot_back_has_not_begun(deployment: Deployment) -> None:
    name = deployment.run(Running())
    run = next(each for each in deployment.client.read_flow_runs() if each.name == name)
    for state in (AwaitingConcurrencySlot(scheduled_time=datetime.now(UTC)), Pending()):
        deployment.client.set_flow_run_state(run.id, state, force=True)
    assert deployment.restarted(LATER) == [name]


def test_a_run_whose_slot_a_restarted_server_has_forgotten_starts_again(
    shop: CompiledArtifacts, tmp_path: Path
) -> None:
    prefect = RunningPrefect(tmp_path, variables={"PREFECT_SERVER_API_DEFAULT_LIMIT": "3"})
    with temporary_settings({PREFECT_API_URL: prefect.url}):
        with prefect.up(), SyncPrefectClient(prefect.url) as client:
            for each in load_product_flows("web-shop", shop.folder).deployments():
                each.apply()
            id_ = UUID(prefect.deployment("web-shop.good/floe")["id"])
            run = client.create_flow_run_from_deployment(id_)
            client.set_flow_run_state(run.id, Pending())
            prefect.kill_alone("server")
        with prefect.up(), SyncPrefectClient(prefect.url) as client:
            # As the process says that was started for it.
            answer = client.set_flow_run_state(run.id, Running())
            assert answer.state is not None
            assert (answer.state.type.value, SLOT_LOST in str(answer.state.message)) == (
                "CANCELLED",
                True,
            )
            assert may_go_on(answer.state)
            for _ in range(4):
                skipped = client.create_flow_run_from_deployment(id_)
                client.set_flow_run_state(skipped.id, Cancelled(name=SKIPPED_RUN), force=True)
            assert restart_lost_runs(client, shop, datetime.now(UTC)) == [run.name]
            for state in (Pending(), Running()):
                answer = client.set_flow_run_state(run.id, state)
                assert answer.state is not None
                assert answer.state.type == state.type
            assert restart_lost_runs(client, shop, datetime.now(UTC) + LATER) == []


def test_a_run_that_was_claimed_by_a_killed_process_runs_under_the_next(
    prefect: RunningPrefect, shop: CompiledArtifacts
) -> None:
    """Without the two minutes, which are no part of what is shown."""
    script = shop.folder / "at_once.py"
    script.write_text(
        "from datetime import timedelta\n"
        "from floe_orchestrator_prefect.alerts import lost_runs, never_begun\n"
        "never_begun.TO_BEGIN = timedelta(seconds=20)\n"
        "lost_runs.SECONDS_BETWEEN_LOOKS = 2\n" + (shop.folder / "flow.py").read_text()
    )
    [serving] = prefect.serve(shop.folder)
    run_id = prefect.trigger("web-shop.good/floe")
    wait_for(lambda: prefect.run(run_id)["state"]["type"] != "SCHEDULED", 60)
    serving.send_signal(signal.SIGKILL)
    serving.wait()
    if prefect.run(run_id)["run_count"]:
        pytest.skip("it began before the process was killed")
    with prefect.serving(shop.folder, "at_once.py"):
        assert prefect.ended(run_id, 180) == "Completed", prefect.logs()


def kill_next_run(serving: psutil.Process) -> None:
    """Kill the process of a flow run as soon as there is one, before it has asked for anything."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for each in serving.children(recursive=True):
            with suppress(psutil.Error):
                if any("engine" in word for word in each.cmdline()):
                    each.kill()
                    each.wait(10)
                    return
        time.sleep(0.02)
    raise AssertionError("no run was started")


@pytest.mark.parametrize("kills", [1, MOST_STARTS])
def test_a_run_whose_process_ends_before_it_begins_is_reported_only_if_it_never_begins(
    prefect: RunningPrefect, shop: CompiledArtifacts, receiver: AlertReceiver, kills: int
) -> None:
    receiver.posted.clear()
    script = shop.folder / "soon.py"
    script.write_text(
        "from floe_orchestrator_prefect.alerts import lost_runs\n"
        "lost_runs.SECONDS_BETWEEN_LOOKS = 2\n" + (shop.folder / "flow.py").read_text()
    )
    with prefect.serving(shop.folder, "soon.py"):
        run_id = prefect.trigger("web-shop.good/floe")
        for _ in range(kills):
            kill_next_run(prefect.process("serve"))
        if kills == 1:
            wait_for(lambda: prefect.run(run_id)["state"]["name"] == "Completed", 180)
            assert receiver.wait_for(1, 5) == []
        else:
            assert receiver.wait_for(1, 120) == ["web-shop.good: run failed"]
            assert prefect.run(run_id)["state"]["type"] == "CRASHED"


def test_a_run_outlives_the_process_that_serves(
    prefect: RunningPrefect, shop: CompiledArtifacts
) -> None:
    """Its messages go to a pipe that nobody reads any more."""
    [serving] = prefect.serve(shop.folder)
    run_id = prefect.trigger("web-shop.good/floe")
    wait_for(lambda: prefect.run(run_id)["state"]["type"] == "RUNNING", 60)
    serving.send_signal(signal.SIGKILL)
    serving.wait()
    assert prefect.ended(run_id) == "Completed", prefect.logs()


@pytest.fixture
def hanging(prefect: RunningPrefect, shop: CompiledArtifacts, receiver: AlertReceiver) -> Hanging:
    receiver.posted.clear()
    [serving] = prefect.serve(shop.folder)
    run_id = prefect.trigger("web-shop.hanging/floe")
    wait_for(lambda: prefect.tasks(run_id).get("hanging") == "Running", 90)
    return Hanging(serving, run_id)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_stopped_with_the_process_that_served_it_has_crashed(
    how: signal.Signals, hanging: Hanging, prefect: RunningPrefect, receiver: AlertReceiver
) -> None:
    """As by a new version of a pod. Prefect itself leaves it as running."""
    hanging.serving.send_signal(how)
    hanging.serving.wait(60)
    assert prefect.run(hanging.run_id)["state"]["type"] == "CRASHED"
    assert prefect.run(hanging.run_id)["state"]["message"].startswith("its process is gone")
    assert receiver.wait_for(1) == ["web-shop.hanging: run failed"]


def test_a_run_that_was_killed_with_all_that_served_it_has_crashed_once_it_is_served_again(
    hanging: Hanging, prefect: RunningPrefect, shop: CompiledArtifacts, receiver: AlertReceiver
) -> None:
    runs = psutil.Process(hanging.serving.pid).children(recursive=True)
    # It first, so that it cannot report what became of them.
    hanging.serving.kill()
    for process in runs:
        process.kill()
    hanging.serving.wait()
    assert prefect.run(hanging.run_id)["state"]["type"] == "RUNNING"
    with prefect.serving(shop.folder):
        assert prefect.ended(hanging.run_id, 60) == "Crashed"
    assert receiver.wait_for(1) == ["web-shop.hanging: run failed"]


def test_runs_that_ended_leave_nothing(prefect: RunningPrefect, shop: CompiledArtifacts) -> None:
    with prefect.serving(shop.folder):
        assert prefect.ended(prefect.trigger("web-shop.good/floe")) == "Completed"
        wait_for(lambda: not list((shop.folder / ".floe" / FOLDER).iterdir()), 20)
