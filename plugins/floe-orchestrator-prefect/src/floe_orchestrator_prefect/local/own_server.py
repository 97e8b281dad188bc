"""Prefect's server for a launched run, started beside the run's process, and a watch on it.

Nothing of Prefect is imported here: the server starts first, and does its imports meanwhile.
"""

from __future__ import annotations

import atexit
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import NoReturn
from urllib.parse import urlsplit

from floe_core.plugin_api.launched_run.program import PROGRAM
from floe_orchestrator_prefect.local.server import NO_SERVER

POLL_SECONDS = 1.0
GONE = "the Prefect server of this run is gone, so the run was ended\n"

STARTS_ITSELF = "FLOE_PREFECT_STARTS_ITS_SERVER"
START_SECONDS = 120.0
STOP_SECONDS = 5.0

_RECORDER = "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER"
# By default, the server writes each task run on its own. The interval is cut to whole seconds; with
# zero, the server would look for events without a pause.
RECORD_TOGETHER = {f"{_RECORDER}_BATCH_SIZE": "200", f"{_RECORDER}_FLUSH_INTERVAL": "1"}


class OwnServer:
    """A server that has been started. It ends when this process exits, after everything else."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self._port = port

    def await_answer(self) -> None:
        """Wait until the server responds.

        If Prefect has to start its server itself, this process restarts and lets it: call this
        before standard input is read. Exits if the server has ended or does not respond.
        """
        try:
            with closing(self._connect(START_SECONDS)) as connection:
                connection.request("GET", "/api/health")
                status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            self._explain(error)
        if status != http.HTTPStatus.OK:
            sys.exit(f"Prefect's server answers with status {status}")

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)

    def _explain(self, error: Exception) -> NoReturn:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        if self._process.returncode == NO_SERVER:
            os.environ[STARTS_ITSELF] = "1"
            os.environ.pop("PREFECT_API_URL")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
        sys.exit(f"Prefect's server did not start: {error}")

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def start_server() -> OwnServer | None:
    """Start a server for this process's Prefect to use; return None if Prefect starts its own."""
    if STARTS_ITSELF in os.environ:
        return None
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        process = subprocess.Popen(
            [
                sys.executable,
                *("-m", PROGRAM),
                "floe_orchestrator_prefect.local.server",
                str(listening.fileno()),
            ],
            stdin=subprocess.DEVNULL,
            pass_fds=(listening.fileno(),),
            env={**RECORD_TOGETHER, **os.environ, "PREFECT_SERVER_UI_ENABLED": "false"},
        )
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    # The run's log shows a URL of the run: the one at which `prefect server start` shows it later.
    os.environ["PREFECT_UI_URL"] = "http://127.0.0.1:4200"
    server = OwnServer(process, port)
    # Registered first, so called last: Prefect sends events and logs as it exits.
    atexit.register(server.stop)
    return server


@contextmanager
def watching_server(api_url: str, patience: float) -> Iterator[None]:
    """Interrupt this process once nothing listens at the address any more.

    If it has not ended `patience` seconds later, it is killed with its process group: Prefect's
    client retries requests to a server that is gone.
    """
    address = urlsplit(api_url)
    place = (address.hostname or "", address.port or 0)
    is_over = threading.Event()
    watch = threading.Thread(
        target=_watch, args=(place, patience, is_over), name="floe-server", daemon=True
    )
    watch.start()
    try:
        yield
    finally:
        is_over.set()


def _watch(place: tuple[str, int], patience: float, is_over: threading.Event) -> None:
    while not is_over.wait(POLL_SECONDS):
        if _is_refused(place):
            break
    else:
        return
    sys.stderr.write(GONE)
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(patience)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def _is_refused(place: tuple[str, int]) -> bool:
    """Return whether nothing listens there; a server that is slow to respond still listens."""
    try:
        socket.create_connection(place, timeout=POLL_SECONDS).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False
