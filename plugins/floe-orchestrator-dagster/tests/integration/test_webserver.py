"""The real webserver and daemon, with a code location that loads and one that does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from floe_orchestrator_dagster import DagsterPlugin

BIN = Path(sys.executable).parent


@contextmanager
def running(arguments, folder):
    environment = {**os.environ, "DAGSTER_HOME": str(folder), "DAGSTER_DISABLE_TELEMETRY": "yes"}
    with (folder / f"{Path(arguments[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(
            arguments,
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def validated(url, until):
    """Ask until the answer is of the kind that is waited for, for a minute at most."""
    plugin = DagsterPlugin()
    plugin.configure({"url": url})
    deadline = time.monotonic() + 90
    while True:
        result = plugin.validate_connection()
        if until(result) or time.monotonic() > deadline:
            return result
        time.sleep(0.5)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dagster-home")
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (folder / "broken.py").write_text("import no_such_module_here\n")
    return folder


def test_the_real_webserver_is_told_from_the_sick_one(example, home, free_port):
    definitions = example("hello").project_dir / "definitions.py"
    workspace = home / "workspace.yaml"
    good = f"- python_file: {{relative_path: {definitions}, location_name: hello}}\n"
    bad = "- python_file: {relative_path: broken.py, location_name: broken}\n"
    url = f"http://127.0.0.1:{free_port}"
    webserver = [str(BIN / "dagster-webserver"), "-h", "127.0.0.1", "-p", str(free_port)]
    daemon = [str(BIN / "dagster-daemon"), "run", "-w", str(workspace)]

    workspace.write_text("load_from:\n" + good + bad)
    with running([*webserver, "-w", str(workspace)], home):
        sick = validated(url, lambda result: "is there" in result.message)
    assert not sick.success
    [location_error, *daemon_errors] = sick.errors
    assert location_error.startswith("code location broken does not load: ")
    assert "no_such_module_here" in location_error
    assert "the daemon SCHEDULER is required and not healthy; start or restart dagster-daemon" in (
        daemon_errors
    )

    workspace.write_text("load_from:\n" + good)
    with ExitStack() as stack:
        stack.enter_context(running([*webserver, "-w", str(workspace)], home))
        stack.enter_context(running(daemon, home))
        well = validated(url, lambda result: result.success)
    assert (well.success, well.errors) == (True, [])
    assert well.message.endswith(f"at {url} is there and well; code locations: 1")
