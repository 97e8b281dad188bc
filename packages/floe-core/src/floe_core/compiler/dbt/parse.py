"""Let dbt read the project: `dbt parse`, and `dbt ls` for the selections of jobs."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, chdir, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from floe_core.compiler.dbt.complaints import in_dbts_words
from floe_core.compiler.dbt.default_selector import name_default_selector
from floe_core.compiler.inputs import DBT_PROJECT_FILE
from floe_core.compiler.profile import PROFILES_FILE, Profile
from floe_core.dbt.executable import find_executable
from floe_core.dbt.invocation import QUIET_ENVIRONMENT
from floe_core.dbt.library import invoke_library
from floe_core.dbt.parse_environment import seal_environment
from floe_core.dbt.preloaded_manifest import add_tags
from floe_core.execution.node_selection.list_nodes import errors_into, list_command, reason_of
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, Problem
from floe_core.foundation.process_environment import environment_with
from floe_core.product_folder.environment_choice import ENVIRONMENT_VARIABLE
from floe_core.schemas.nodes import Node
from floe_core.secrets.known_values import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.secrets.references import required_names, used_names
from floe_core.secrets.sealed_cache import seal_cache
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.dbt_profiles import dbt_profiles_dir
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

# Read by floe's dbt plugin: see dbt_floe.
UPSTREAM_FILE, UPSTREAM_VARIABLE = "upstream_ports.json", "FLOE_UPSTREAM_PORTS"
# Fields whose values dbt writes into the graph, so that a placeholder would give a wrong graph.
# BigQuery calls the first two project and dataset.
_FIELDS_IN_GRAPH = frozenset(
    {"database", "schema", "project", "dataset", "dbname", "path", "catalog"}
)


@dataclass(frozen=True)
class ParsedProject:
    """The parsed project: manifest.json as data, and dbt's own cache if dbt ran in this process."""

    manifest: dict[str, Any]
    cache: bytes | None


class Dbt(Protocol):
    """A dbt that can parse a project and list the nodes of a selection."""

    def with_vars(self, own_vars: Mapping[str, Any]) -> Dbt:
        """Return the same dbt with these vars."""

    def parse(self) -> ParsedProject:
        """Return the parsed project.

        Raises:
            InvalidProductError: The project is wrong, with dbt's message.
        """

    def list_ids(self, selection: list[str], nodes: Sequence[Node]) -> list[str]:
        """Return the ids of the runnable nodes that a selection matches.

        `nodes` carry the tags that floe.yaml adds; the product's own dbt cannot receive them.

        Raises:
            InvalidProductError: The selection is wrong, with dbt's message.
        """


@dataclass(frozen=True)
class DbtFolders:
    """The folders that dbt reads and writes while it parses: `work` is floe's own, and temporary.

    `environment` is the manifest's environment that the project is parsed for, "" for none.
    """

    project: Path
    work: Path
    environment: str = ""

    def arguments(self, profile: Profile, own_vars: Mapping[str, Any]) -> list[str]:
        """Return the arguments that keep dbt from writing to the project's own files."""
        return [
            *("--project-dir", str(self.project)),
            *("--profiles-dir", str(self.work if profile.folder else dbt_profiles_dir())),
            *("--target-path", str(self.work / "target"), "--log-path", str(self.work / "logs")),
            *("--profile", profile.name, "--target", profile.target),
            *(("--vars", vars_argument(own_vars)) if own_vars else ()),
        ]


def open_dbt(
    project: Path,
    executable: str | None,
    profile: Profile,
    own_vars: Mapping[str, Any],
    work: Path,
    environment: str = "",
) -> Dbt:
    """Return the dbt of a product: its own program if it names one, else the dbt beside floe.

    `work` is created if it is missing. `environment` is one of the manifest, "" for none.
    """
    work.mkdir(exist_ok=True)
    # Without a folder of ours, the profile stays where dbt finds it, with its secrets.
    if profile.folder:
        (work / PROFILES_FILE).write_text(profile.to_yaml(), encoding="utf-8")
    folders = DbtFolders(project, work, environment)
    if executable:
        return SubprocessDbt(folders, profile, executable, own_vars)
    return InProcessDbt(folders, profile, own_vars)


class InProcessDbt:
    """The dbt beside floe, called in this process."""

    def __init__(
        self, folders: DbtFolders, profile: Profile, own_vars: Mapping[str, Any] | None = None
    ) -> None:
        self._folders = folders
        self._profile = profile
        self._vars = own_vars or {}
        self._manifest: Any = None

    def with_vars(self, own_vars: Mapping[str, Any]) -> InProcessDbt:
        """See `Dbt.with_vars`."""
        return InProcessDbt(self._folders, self._profile, own_vars)

    def parse(self) -> ParsedProject:
        """See `Dbt.parse`."""
        self._manifest = self._invoke(["parse", "--no-partial-parse"])
        target = self._folders.work / "target"
        cache = (target / "partial_parse.msgpack").read_bytes()
        secrets = known_secrets(self._profile.output)
        # In the environment of a run: dbt may have recorded the variables that floe sets.
        with _environment(self._profile, self._folders):
            kept = seal_environment(seal_cache(cache, secrets), self._graph_variables(), secrets)
        return ParsedProject(_manifest(target, secrets), kept)

    def _graph_variables(self) -> Iterator[str]:
        """Yield the variables of dbt_project.yml, and those of the profile that shape the graph.

        The variable of the product's folder is left out: in the path of a DuckDB file it comes
        before the file's name, and only the name is in the graph.
        """
        text = (self._folders.project / DBT_PROJECT_FILE).read_text(encoding="utf-8")
        yield from used_names(text)
        for field, value in self._profile.output.items():
            if field in _FIELDS_IN_GRAPH:
                yield from (name for name in used_names(str(value)) if name != PROJECT_DIR_VARIABLE)

    def list_ids(self, selection: list[str], nodes: Sequence[Node]) -> list[str]:
        """See `Dbt.list_ids`."""
        add_tags(self._manifest, nodes)
        lines = self._invoke([*list_command(nodes), *selection])
        return sorted(json.loads(line)["unique_id"] for line in lines)

    def _invoke(self, command: list[str]) -> Any:
        errors: list[str] = []
        own = self._folders.arguments(self._profile, self._vars)
        arguments = [*command, *own, "--quiet"]
        with (
            chdir(self._folders.project),
            _environment(self._profile, self._folders),
            # `dbt ls` prints in any case; the result is returned as a value.
            redirect_stdout(io.StringIO()),
        ):
            outcome = invoke_library(arguments, self._manifest, [errors_into(errors)])
        if isinstance(outcome.exception, KeyboardInterrupt):
            # dbt returns it like any of its own errors.
            raise outcome.exception
        if isinstance(outcome.exception, OSError):
            what = f"dbt could not work in {self._folders.work}: {outcome.exception}"
            raise EnvironmentProblemError(what)
        if not outcome.success:
            reason = reason_of(outcome.exception, errors)
            raise in_dbts_words(reason, self._folders.project, self._profile)
        return outcome.result


class SubprocessDbt:
    """The product's own dbt executable."""

    def __init__(
        self,
        folders: DbtFolders,
        profile: Profile,
        executable: str,
        own_vars: Mapping[str, Any] | None = None,
    ) -> None:
        self._folders = folders
        self._profile = profile
        self._executable = executable
        self._vars = own_vars or {}

    def with_vars(self, own_vars: Mapping[str, Any]) -> SubprocessDbt:
        """See `Dbt.with_vars`."""
        return SubprocessDbt(self._folders, self._profile, self._executable, own_vars)

    def parse(self) -> ParsedProject:
        """See `Dbt.parse`."""
        self._call(["parse", "--no-partial-parse"])
        secrets = known_secrets(self._profile.output)
        manifest = _manifest(self._folders.work / "target", secrets)
        name_default_selector(
            manifest, self._folders.project, lambda words: self.list_ids(words, ())
        )
        return ParsedProject(manifest, None)

    def list_ids(self, selection: list[str], nodes: Sequence[Node]) -> list[str]:
        """See `Dbt.list_ids`."""
        lines = self._call([*list_command(nodes), *selection]).splitlines()
        return sorted(json.loads(line)["unique_id"] for line in lines if line.startswith("{"))

    def _call(self, command: list[str]) -> str:
        own = self._folders.arguments(self._profile, self._vars)
        program = find_executable(self._executable, self._folders.project)
        with _environment(self._profile, self._folders):
            try:
                done = subprocess.run(
                    [program, *command, *own, "--quiet"],
                    cwd=self._folders.project,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            except OSError as error:
                what = f"execution.dbtExecutable: {self._executable}: {error.strerror}"
                raise EnvironmentProblemError(what) from error
        if done.returncode:
            raise in_dbts_words(done.stdout + done.stderr, self._folders.project, self._profile)
        return done.stdout


def _manifest(target: Path, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return dbt's manifest.json without the secrets that it read from the environment."""
    try:
        manifest = json.loads((target / "manifest.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        what = f"dbt left no manifest.json that can be read: {error}"
        raise InvalidProductError([Problem(what, "run `dbt parse`", "manifest.json")]) from None
    hidden: dict[str, Any] = Redactor(secrets.values()).hide_known_in_tree(manifest)
    return hidden


def _environment(profile: Profile, folders: DbtFolders) -> AbstractContextManager[None]:
    """Let dbt parse without the warehouse's secrets: unset variables get a placeholder."""
    return environment_with(
        {
            **stand_ins(profile.output),
            **QUIET_ENVIRONMENT,
            PROJECT_DIR_VARIABLE: str(folders.project),
            # The file of this compilation, not one that an earlier compilation left in the target
            # folder.
            UPSTREAM_VARIABLE: str(folders.work / UPSTREAM_FILE),
            # The value that a run in the environment has, not that of the shell that compiles.
            ENVIRONMENT_VARIABLE: folders.environment or None,
        }
    )


def stand_ins(output: Mapping[str, Any]) -> dict[str, str]:
    """Return "1" for each variable that is not set, which serves as a text and as a port."""
    return {
        name: "1"
        for field, value in output.items()
        if field not in _FIELDS_IN_GRAPH
        for name in required_names(str(value))
        if name not in os.environ
    }
