"""One call of dbt: which one, where, with which arguments; and the interface of one that runs."""

from __future__ import annotations

import os
import queue
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.process_environment import environment_with
from floe_core.runs.build_events import BuildEvent
from floe_core.secrets.references import UnsetVariableError, resolve
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

# Floe reads what dbt writes as JSON, also where the project's flags say `write_json: false`.
VARIABLES_OF_EACH_CALL = {
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "False",
    # dbt 2 warns if this is an option.
    "DBT_USE_COLORS": "False",
    "DBT_WRITE_JSON": "True",
}
# dbt keeps flags, adapters and its event manager in module globals: one call per process.
_ONE_DBT = threading.Lock()


@dataclass(frozen=True, slots=True)
class DbtCall:
    """One command of dbt, which works in `folder`, the project's.

    `executable` is the product's own program, "" for the dbt beside floe. `variables` are for this
    call alone, those that are None are unset.
    """

    executable: str
    folder: Path
    arguments: tuple[str, ...]
    variables: Mapping[str, str | None]

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Give the block the folder and the variables of the call, once no other dbt runs here."""
        with _ONE_DBT, environment_with(self._all_variables), chdir(self.folder):
            yield

    def command_line(self) -> list[str]:
        """Return the program and its arguments, for a process of its own.

        Raises:
            EnvironmentProblemError: The program does not exist.
        """
        # A plugin of dbt may import dbt's command line before Python runs it, which it warns of.
        module = [sys.executable, "-W", "ignore::RuntimeWarning:runpy", "-m", "dbt.cli.main"]
        program = [find_executable(self.executable, self.folder)] if self.executable else module
        return [*program, *self.arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment for a process of its own."""
        values = {**os.environ, **self._all_variables}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def _all_variables(self) -> dict[str, str | None]:
        return {**VARIABLES_OF_EACH_CALL, PROJECT_DIR_VARIABLE: str(self.folder), **self.variables}


def place_arguments(
    project: Path, profiles: Path, profile: str, target_name: str, target: Path, log: Path
) -> list[str]:
    """Return dbt's arguments for the project, its profile, and the folders that dbt writes to."""
    return [
        *("--project-dir", str(project)),
        *("--profiles-dir", str(profiles)),
        *("--target-path", str(target)),
        *("--log-path", str(log)),
        *("--profile", profile),
        *("--target", target_name),
    ]


def find_executable(executable: str, project_dir: Path) -> str:
    """Return the path of the program that `execution.dbtExecutable` of floe.yaml names.

    It is on PATH, or relative to the product's folder; `~` and `${NAME}` are filled in.

    Raises:
        EnvironmentProblemError: The program does not exist, or a variable is not set.
    """
    named = f"dbt executable {executable}"
    try:
        executable = str(Path(resolve(executable)).expanduser())
    except UnsetVariableError as error:
        raise EnvironmentProblemError(f"{named}: {error}") from None
    found = shutil.which(executable) or shutil.which(project_dir / executable)
    if found is None:
        raise EnvironmentProblemError(
            f"{named}: there is no such program; `execution.dbtExecutable` of floe.yaml names it"
        )
    return str(found)


@dataclass(frozen=True, slots=True)
class DbtEnded:
    """The invocation of dbt has ended.

    `problem` is what stopped it apart from failing nodes, "" if nothing did. `succeeded` is dbt's
    own verdict: a failing hook makes it False even if every node passed.
    """

    problem: str = ""
    succeeded: bool = True


class EventQueue(queue.SimpleQueue[BuildEvent | DbtEnded]):
    """The events of a run's threads, in order."""

    def take(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        try:
            return self.get(timeout=timeout)
        except queue.Empty:
            return None


class DbtRun(Protocol):
    """One dbt invocation that has been started."""

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """Return the next event, waiting up to `timeout` seconds for it; None if none came."""

    def cancel(self) -> None:
        """Stop at once: cancel running queries and start nothing new. Does not wait."""

    def cancel_node(self, unique_id: str) -> None:
        """Cancel the queries of one node, so that it ends with an error. Does not wait.

        Does nothing before the node has sent a query: call it until the node's result comes.
        """

    def close(self, patience: float) -> bool:
        """Wait up to `patience` seconds for the end; return whether nothing is left of it."""


class Throttle(Protocol):
    """Lets the nodes of a running dbt wait before they start."""

    def receive(self, event: BuildEvent, tell: Callable[[BuildEvent], None]) -> BuildEvent:
        """Return an event of a node, for a start once the node may start.

        Called in the node's own thread. `tell` receives messages for the node's log.

        Raises:
            EnvironmentProblemError: The node must not start.
        """

    def stop(self) -> None:
        """Stop all waiting: nodes that are to be canceled do not start."""


class Gate(Protocol):
    """Leaves nodes out of a running dbt."""

    def is_left_out(self, node_id: str) -> bool:
        """Return whether a node that has started is to be left out."""

    def receive(self, event: BuildEvent) -> BuildEvent | None:
        """Return the event to report for one of dbt's events, None for none."""


# Starts one dbt build of these nodes, of which the gate may leave out some.
StartDbt = Callable[[tuple[str, ...], Gate | None], DbtRun]
