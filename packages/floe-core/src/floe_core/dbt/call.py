"""One call of dbt: which dbt, where, with which arguments and variables."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.process_environment import environment_with
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
