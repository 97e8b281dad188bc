"""How long a local Airflow may take to start: as long as it makes progress."""

from __future__ import annotations

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.build_events import BuildEvent, NodeStarted
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.components import read_components
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

pytestmark = pytest.mark.slow


def stop(folder: Path, name: str) -> None:
    """Stop a component as soon as it is there, as a hung disk would."""
    while name not in read_components(folder):
        time.sleep(0.05)
    psutil.Process(read_components(folder)[name]).suspend()


def test_a_start_takes_as_long_as_it_makes_progress(tmp_path: Path) -> None:
    began = time.monotonic()
    with LocalAirflow(tmp_path / "airflow", patience=2.5) as airflow:
        assert time.monotonic() - began > 2.5
        assert airflow.api.health()["scheduler"] == "healthy"


def test_the_time_of_a_run_is_all_that_its_caller_waits_for(hello: CompiledArtifacts) -> None:
    events: list[float] = []
    began = time.monotonic()
    report = AirflowPlugin().launch_run(
        hello, RunOptions(job="hello"), lambda event: events.append(time.monotonic())
    )
    assert report.status == "success"
    assert events[-1] - events[0] < report.seconds <= time.monotonic() - began
    [of_run] = re.findall(r"the DAG run took ([\d.]+) s", report.look_further[0])
    assert 0 < float(of_run) < report.seconds


@pytest.mark.parametrize("name", ["api-server", "scheduler"])
def test_a_start_that_is_stuck_ends_with_what_is_stuck_and_what_it_said(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "airflow"
    threading.Thread(target=stop, args=(folder, name), daemon=True).start()
    with (
        pytest.raises(EnvironmentProblemError) as raised,
        LocalAirflow(folder, patience=6),
    ):
        raise AssertionError("it started")
    first, *rest = str(raised.value).splitlines()
    assert first.endswith(
        f"the local Airflow is stuck starting: its {name} made no progress for 6 s; the end of "
        f"{folder}/output.log:"
    )
    assert rest
    assert [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)] == []


def test_another_program_at_its_port_is_not_taken_for_it(tmp_path: Path) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"version": "3.3.0"}')

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        airflow = LocalAirflow(tmp_path / "airflow", port=other.server_port)
        with pytest.raises(EnvironmentProblemError) as raised, airflow:
            raise AssertionError("it started")
        other.shutdown()
    first, *_ = str(raised.value).splitlines()
    where = f"another program listens at http://127.0.0.1:{other.server_port}; the end of "
    assert first.startswith(f"the local Airflow ended while starting; {where}")


def test_a_run_whose_tasks_no_worker_takes_up_ends_and_says_so(
    hello: CompiledArtifacts, tmp_path: Path
) -> None:
    """The workers share a lock, and the one that waits for a task has it: here it is killed."""
    with LocalAirflow(tmp_path / "airflow", hello, patience=10) as airflow:
        scheduler = psutil.Process(read_components(airflow.folder)["scheduler"])
        for worker in scheduler.children():
            worker.kill()
        with pytest.raises(EnvironmentProblemError) as raised:
            run_in(airflow, hello, RunOptions(job="hello"), lambda event: None)
    assert str(raised.value).startswith(
        "the local Airflow is stuck running the product: none of its executor's workers took up "
        "dbt_build in 20 s; one of them was probably killed. Run it again; the end of "
    )


def test_an_api_server_that_dies_while_it_answers_ends_the_run_with_what_it_said(
    hello: CompiledArtifacts, tmp_path: Path
) -> None:
    with LocalAirflow(tmp_path / "airflow", hello) as airflow:
        server = psutil.Process(read_components(airflow.folder)["api-server"])

        def hold_up(event: BuildEvent) -> None:
            if isinstance(event, NodeStarted) and server.status() != psutil.STATUS_STOPPED:
                server.suspend()
                threading.Timer(2.0, server.kill).start()

        with pytest.raises(EnvironmentProblemError) as raised:
            run_in(airflow, hello, RunOptions(job="hello"), hold_up)
    first, *rest = str(raised.value).splitlines()
    assert first == (
        f"the local Airflow ended while running the product; the end of {airflow.home.output}:"
    )
    assert rest[-1] == "floe: api-server ended, so all of this Airflow does"
