"""A `floe dev` says in a line what is wrong, and goes on when the cause is gone."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import (
    FLOE,
    MODEL,
    Dev,
    alive,
    count_runs,
    dev_of,
    floe,
    left_of,
    product,
    run,
    value,
    write,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
READY = "pages, with the product"
# Some seconds, on any machine.
SLOW = "select max(i) as id from range(3000000000) t(i)"


def test_a_product_that_is_wrong_at_the_start_is_waited_for(tmp_path: Path) -> None:
    """Whether floe.yaml is wrong or the dbt project."""
    shop = product(tmp_path, "dagster")
    spec = (shop / "floe.yaml").read_text()
    (shop / "floe.yaml").write_text(spec.replace("metadata:", "metdata:"))
    write(shop, "select {{ nope( }} as id")
    with dev_of(shop) as dev:
        dev.await_line("unknown key 'metdata'")
        (shop / "floe.yaml").write_text(spec)
        dev.await_line(f"{MODEL}: dbt: Compilation Error")
        write(shop, "select 1 as id")
        dev.await_line(READY)
        assert run(shop)["status"] == "success"


def test_a_port_in_use_is_waited_for_or_replaced(tmp_path: Path) -> None:
    shop = product(tmp_path, "dagster")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with dev_of(shop, "--port", str(port)) as dev:
            dev.await_line(f"port {port} is in use; waiting until it is free")
            taken.close()
            dev.await_line(f"{READY}: http://127.0.0.1:{port}")


def test_a_file_that_is_saved_in_two_steps_ends_good(tmp_path: Path) -> None:
    shop = product(tmp_path, "dagster")
    with dev_of(shop) as dev:
        seen = dev.await_line(READY)
        write(shop, "select {{")
        dev.await_line("does not compile", seen)
        write(shop, "select {{ 5 }} as id")
        dev.await_line("the errors are gone", seen)
        assert (run(shop)["status"], value(shop)) == ("success", [(5,)])


# Python imports it by itself: the wall clock is ten minutes ahead as soon as a file is there.
CLOCK = """\
import time
from pathlib import Path

real, slept = time.time, Path(__file__).with_name("slept")
time.time = lambda: real() + 600 * slept.exists()
"""


def test_a_machine_that_slept_is_noticed_and_what_changed_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wall clock goes on, and the one that counts while it is awake does not."""
    shop = product(tmp_path, "dagster")
    (tmp_path / "sitecustomize.py").write_text(CLOCK)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with dev_of(shop) as dev:
        seen = dev.await_line(READY)
        assert not [line for line in dev.lines if "slept" in line]
        write(shop, "select 7 as id")
        (tmp_path / "slept").touch()
        dev.await_line("this machine slept for 10 min; going on", seen)
        assert (run(shop)["status"], value(shop)) == ("success", [(7,)])
        assert sum("slept" in line for line in dev.lines) == 1


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_processes_that_were_stopped_go_on(orchestrator: str, tmp_path: Path) -> None:
    """As those of a laptop that sleeps, also while a model is built; no run is run twice."""
    shop = product(tmp_path, orchestrator)
    with dev_of(shop) as dev:
        dev.await_line(READY)
        write(shop, SLOW)
        with subprocess.Popen([FLOE, "run", shop], stderr=subprocess.PIPE, text=True) as running:
            assert running.stderr is not None
            next(line for line in running.stderr if line.startswith("running"))
            time.sleep(4)
            processes = dev.processes()
            for process in processes:
                process.suspend()
            time.sleep(20)
            for process in reversed(processes):
                process.resume()
            running.communicate()
        assert running.returncode == 0
        write(shop, "select 6 as id")
        assert (run(shop)["status"], value(shop)) == ("success", [(6,)])
        assert count_runs(dev, orchestrator) == 2


def test_commands_wait_for_an_airflow_that_another_one_starts_or_uses(tmp_path: Path) -> None:
    """A run of its own would wait for the Airflow that `floe dev` uses, and the other way round."""
    shop = product(tmp_path, "airflow")
    place = shop / ".floe/dev.json"
    with dev_of(shop) as dev:
        while not place.exists():
            time.sleep(0.01)
        found = floe("run", shop)
        assert (found.returncode, "waiting for" in found.stderr) == (0, True), found.stderr
        dev.await_line(READY)
    with subprocess.Popen([FLOE, "run", shop], stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        next(line for line in running.stderr if line.startswith("running"))
        with dev_of(shop) as dev:
            dev.await_line("another run uses the Airflow")
            dev.await_line(READY)
        running.communicate()
    assert running.returncode == 0


def test_a_killed_one_leaves_no_process_and_is_not_used(tmp_path: Path) -> None:
    shop = product(tmp_path, "dagster")
    with dev_of(shop) as dev:
        dev.await_line(READY)
        processes = dev.processes()
        os.kill(dev.process.pid, signal.SIGKILL)
        dev.process.wait()
        psutil.wait_procs(processes, timeout=40)
        assert alive(processes) == []
    assert left_of(shop) == []
    assert run(shop)["status"] == "success"
    with dev_of(shop) as again:
        again.await_line(READY)


@pytest.mark.parametrize(
    ("orchestrator", "killed", "said"),
    [
        ("dagster", "api grpc", "Dagster's code server of shop has ended, and is started again"),
        ("dagster", "dagster._daemon", "dagster has ended"),
        ("prefect", "load_product_flows", "serves shop has ended"),
        ("prefect", "prefect server start", "prefect has ended"),
        ("airflow", "dag-processor", "airflow has ended"),
        ("airflow", "triggerer", "airflow has ended"),
    ],
)
def test_a_process_that_is_killed_is_noticed_and_comes_back(
    orchestrator: str, killed: str, said: str, tmp_path: Path
) -> None:
    """It is said, and a run waits for an orchestrator that starts again."""
    shop = product(tmp_path, orchestrator)
    with dev_of(shop) as dev:
        seen = dev.await_line(READY)
        kept = server_of(dev)
        process_of(dev, killed).kill()
        said_at = dev.await_line(said, seen)
        is_one_product = "shop" in said
        back = "has taken it up" if is_one_product else READY
        if not is_one_product:
            found = floe("run", shop)
            waited = f"waiting for {orchestrator}, which `floe dev` is starting"
            assert (found.returncode, waited in found.stderr) == (0, True), found.stderr
        dev.await_line(back, said_at)
        assert process_of(dev, killed).is_running()
        assert (server_of(dev) == kept) == is_one_product
        assert run(shop)["status"] == "success"
        assert dev.lines[said_at:].count(dev.lines[said_at - 1]) == 0


def process_of(dev: Dev, name: str) -> psutil.Process:
    """Return the process with this in its command line, or the component of Airflow."""
    recorded = dev.folder / ".floe/airflow/components.json"
    components = json.loads(recorded.read_text()) if recorded.exists() else {}
    if name in components:
        return psutil.Process(components[name])
    # After a reload, the one before takes a while to end.
    found = [each for each in dev.processes() if name in command_of(each)]
    return max(found, key=psutil.Process.create_time)


def server_of(dev: Dev) -> int | None:
    """Return the process that listens at the port of the pages."""
    port = int(dev.pages.rpartition(":")[2])
    for process in dev.processes():
        with suppress(psutil.Error):
            for each in process.net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN and each.laddr.port == port:
                    return int(process.pid)
    return None


def command_of(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        words = process.cmdline()
        # The guard's command line has those of what it guards.
        return "" if any("process_guard" in word for word in words) else " ".join(words)
    return ""


def test_a_canceled_run_ends_and_the_session_goes_on(tmp_path: Path) -> None:
    shop = product(tmp_path, "dagster")
    slow = "select max(i) as id from range(100000000000) t(i)"
    with dev_of(shop) as dev:
        dev.await_line(READY)
        write(shop, slow)
        canceled = floe_interrupted(shop)
        assert canceled == 130
        write(shop, "select 8 as id")
        assert (run(shop)["status"], value(shop)) == ("success", [(8,)])


def floe_interrupted(shop: Path) -> int:
    """Call `floe run`, interrupt it once the model runs, and return its exit code."""
    process = subprocess.Popen(
        [FLOE, "run", shop], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("running"):
            break
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    return process.wait(60)


def test_other_variables_of_dbt_make_a_run_of_its_own(tmp_path: Path) -> None:
    shop = product(tmp_path, "dagster")
    with dev_of(shop) as dev:
        dev.await_line(READY)
        os.environ["DBT_WARN_ERROR"] = "false"
        try:
            done = floe("run", shop)
        finally:
            del os.environ["DBT_WARN_ERROR"]
        assert (done.returncode, "its variables DBT_* or FLOE_* differ" in done.stderr) == (0, True)
        assert dev.pages not in done.stdout
