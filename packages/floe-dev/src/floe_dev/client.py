"""What other commands use of a running `floe dev`."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from pathlib import Path

from floe_core.foundation.child_processes import is_running
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.stages import begin_stage
from floe_core.plugin_api.launched_run.launch import order_for
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEvent, from_line
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev import messages
from floe_dev.dev_place import DevPlace, hash_of_environment, read_place
from floe_dev.messages import Message

# More than it takes to begin to start an orchestrator; the rest is waited for by the run.
START_SECONDS, LOOK_SECONDS = 60.0, 0.1
_GONE = "the `floe dev` that this command uses has ended; start it again, or run without it"


def connect_to_dev(
    folder: Path, on: str | None, on_notice: Callable[[str], None]
) -> RunningDev | None:
    """Return the product's `floe dev` if one is up that runs as this process would; else None.

    `on` is the orchestrator that the command names, None for the product's own.
    """
    place = read_place(folder)
    if place is None or on not in (None, place.orchestrator):
        return None
    if not place.port:
        on_notice("waiting for `floe dev`, which is starting")
        place = _await_start(folder)
    if place is None:
        return None
    try:
        connection = Client(("127.0.0.1", place.port), authkey=place.key.encode())
    except (OSError, EOFError, AuthenticationError):
        # It was killed.
        return None
    if place.environment != hash_of_environment(os.environ):
        connection.close()
        on_notice(
            "`floe dev` is up, and not used: its variables DBT_* or FLOE_* differ from those here"
        )
        return None
    return RunningDev(folder, place, connection, on_notice)


def _await_start(folder: Path) -> DevPlace | None:
    """Return the place of a `floe dev` once it answers; None if it ended or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while (place := read_place(folder)) is not None and not place.port:
        if time.monotonic() > deadline or not is_running(place.pid):
            return None
        time.sleep(LOOK_SECONDS)
    return place


class RunningDev:
    """A `floe dev` that is up, and a connection to it."""

    def __init__(
        self,
        folder: Path,
        place: DevPlace,
        connection: Connection,
        on_notice: Callable[[str], None],
    ) -> None:
        self.settings, self.variables = place.settings, place.variables
        self._folder = folder
        self._on_notice = on_notice
        self._connection = connection

    def compile(self, reuse: bool | None, on_notice: Callable[[str], None]) -> CompiledArtifacts:
        """Have the product compiled, if its files have changed, and return it.

        Raises:
            FloeError: What `compile_product` raises.
        """
        self._send({"do": messages.COMPILE, "reuse": reuse})
        while True:
            answer = self._receive()
            if messages.STAGE in answer:
                begin_stage(answer[messages.STAGE])
            elif messages.NOTICE in answer:
                on_notice(answer[messages.NOTICE])
            elif messages.COMPILED in answer:
                return CompiledArtifacts.load(self._folder).in_chosen_environment()

    def choose_nodes(
        self, artifacts: CompiledArtifacts, parameters: RunParameters, among: Iterable[str]
    ) -> tuple[str, ...]:
        """Have dbt select in the process that compiles, which has it. See `chosen_nodes`.

        Raises:
            FloeError: What `chosen_nodes` raises.
        """
        given = parameters.as_given()
        self._send({"do": messages.CHOOSE, "parameters": given, "among": [*among]})
        return tuple(self._receive()[messages.CHOSEN])

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """Run in the orchestrator that is up. See `RunLauncher`; an interrupt cancels the run."""
        self._send({"do": messages.RUN, "order": order_for(artifacts, options).to_line()})
        try:
            return self._follow(on_event)
        except KeyboardInterrupt:
            self._send({"do": messages.CANCEL})
            self._follow(lambda event: None)
            raise

    def close(self) -> None:
        """Hang up; a run that is under way is canceled."""
        self._connection.close()

    def _follow(self, on_event: Callable[[BuildEvent], None]) -> RunReport:
        while True:
            answer = self._receive()
            if messages.NOTICE in answer:
                self._on_notice(answer[messages.NOTICE])
            elif messages.EVENT in answer:
                on_event(from_line(answer[messages.EVENT]))
            elif messages.REPORT in answer:
                return messages.report_of(answer[messages.REPORT])

    def _send(self, message: Message) -> None:
        try:
            messages.send(self._connection, message)
        except OSError:
            raise EnvironmentProblemError(_GONE) from None

    def _receive(self) -> Message:
        try:
            answer = messages.receive(self._connection)
        except (EOFError, OSError):
            raise EnvironmentProblemError(_GONE) from None
        if messages.ERROR in answer:
            raise messages.error_of(answer[messages.ERROR])
        return answer
