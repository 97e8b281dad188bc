"""Let dbt read the project: `dbt parse`, and `dbt ls` for the selections of jobs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from floe_core.compiler.dbt.complaints import JSON_LOG_OF_WARNINGS, in_dbts_words, warnings_in_log
from floe_core.compiler.inputs import DBT_PROJECT_FILE
from floe_core.compiler.profile import PROFILES_FILE, Profile
from floe_core.dbt.ask import Answer, ask_dbt, list_command
from floe_core.dbt.call import DbtCall, place_arguments
from floe_core.dbt.preloaded_manifest import add_tags, seal_environment
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas.nodes import Node
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.secrets.references import required_names, used_names
from floe_core.secrets.sealed_cache import seal_cache
from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.user_yaml.dbt_yaml import read_dbt_document
from floe_core.warehouse.credentials import dbt_profiles_dir
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest


SELECTORS_FILE = "selectors.yml"


def name_default_selector(
    manifest: dict[str, Any], project: Path, list_selected: Callable[[list[str]], list[str]]
) -> None:
    """Mark the default selector in the manifest of a dbt 2, as the manifest of a dbt 1 does.

    dbt 2 applies `default` of selectors.yml, whose value may be Jinja, and leaves it out of its
    manifest. `list_selected` returns the ids that dbt lists for its arguments.
    """
    selectors = manifest.get("selectors") or {}
    path = project / SELECTORS_FILE
    if not selectors or any("default" in each for each in selectors.values()) or not path.is_file():
        return
    listed = read_dbt_document(path, SELECTORS_FILE).data.get("selectors") or []
    candidates = [each for each in listed if each.get("default") not in (None, False)]
    for each in candidates:
        name = str(each.get("name"))
        is_default = each["default"] is True or (
            list_selected(["--selector", name]) == list_selected([])
        )
        if is_default and name in selectors:
            selectors[name]["default"] = True
            return


class EarlierParses(Protocol):
    """The latest good parses of one product, each with a name."""

    def lay_out(self, name: str, target: Path) -> bool:
        """Put dbt's cache of a parse where dbt reads it; return whether there is one."""

    def is_exact(self, name: str, manifest: Manifest | None) -> bool:
        """Return whether a parse that began with that cache came to what a whole one would."""

    def keep(
        self, name: str, target: Path, manifest: Manifest | None, secrets: Mapping[str, str]
    ) -> None:
        """Keep a good parse. `secrets` is variable or file -> value, for those it may hold."""


_current: ContextVar[EarlierParses | None] = ContextVar("earlier_parses", default=None)


@contextmanager
def using(parses: EarlierParses | None) -> Iterator[None]:
    """Let compiles inside the block build on earlier parses; without, dbt parses everything."""
    token = _current.set(parses)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> EarlierParses | None:
    """Return the parses that a compile may build on."""
    return _current.get()


# Read by floe's dbt plugin: see dbt_floe.
UPSTREAM_FILE, UPSTREAM_VARIABLE = "upstream_ports.json", "FLOE_UPSTREAM_PORTS"
# Fields whose values dbt writes into the graph, so that a placeholder would give a wrong graph.
# BigQuery calls the first two project and dataset.
_FIELDS_IN_GRAPH = frozenset(
    {"database", "schema", "project", "dataset", "dbname", "path", "catalog"}
)

_WHOLE = ["parse", "--no-partial-parse"]


@dataclass(frozen=True)
class ParsedProject:
    """The parsed project: manifest.json as data, and dbt's own cache if dbt ran in this process.

    `warnings` are those of dbt, in its words.
    """

    manifest: dict[str, Any]
    cache: bytes | None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class DbtFolders:
    """The folders that dbt reads and writes while it parses: `work` is floe's own, and temporary.

    `environment` is the manifest's environment that the project is parsed for, "" for none.
    """

    project: Path
    work: Path
    environment: str


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
    return Dbt(folders, profile, executable or "", own_vars)


@dataclass
class Dbt:
    """A dbt that can parse a project and list the nodes of a selection."""

    _folders: DbtFolders
    _profile: Profile
    _executable: str
    _vars: Mapping[str, Any]
    _manifest: Any = None

    def with_vars(self, own_vars: Mapping[str, Any]) -> Dbt:
        """Return the same dbt with these vars."""
        return Dbt(self._folders, self._profile, self._executable, own_vars)

    def parse(self) -> ParsedProject:
        """Return the parsed project.

        Raises:
            InvalidProductError: The project is wrong, with dbt's message.
        """
        answer = self._ask_for_parse()
        self._manifest = answer.manifest
        target = self._folders.work / "target"
        secrets = known_secrets(self._profile.output)
        manifest = _manifest(target, secrets)
        of_program = warnings_in_log(self._folders.work / "logs" / "dbt.log")
        said = dict.fromkeys(of_program if self._executable else answer.warnings)
        warnings = tuple(map(Redactor(secrets.values()).text, said))
        if not self._executable:
            return ParsedProject(manifest, self._sealed_cache(target, secrets), warnings)
        name_default_selector(
            manifest, self._folders.project, lambda words: self.list_ids(words, ())
        )
        return ParsedProject(manifest, None, warnings)

    def _ask_for_parse(self) -> Answer:
        """Parse what has changed since an earlier parse, if there is one to use; else everything.

        An error is that of a whole parse: dbt's words depend on what it has parsed before.
        """
        earlier, folders = current(), self._folders
        name, target = f"{folders.environment} {vars_argument(self._vars)}", folders.work / "target"
        # Models of other products, which dbt can't tell from the project's own later on.
        has_others = (folders.work / UPSTREAM_FILE).exists()
        if earlier is None or self._executable or has_others:
            return self._ask(_WHOLE)
        answer = None
        if earlier.lay_out(name, target):
            with suppress(InvalidProductError):
                answer = self._ask(["parse", "--partial-parse"])
        if answer is None or not earlier.is_exact(name, answer.manifest):
            answer = self._ask(_WHOLE)
        earlier.keep(name, target, answer.manifest, known_secrets(self._profile.output))
        return answer

    def list_ids(self, selection: list[str], nodes: Sequence[Node]) -> list[str]:
        """Return the ids of the runnable nodes that a selection matches.

        `nodes` carry the tags that floe.yaml adds; the product's own dbt cannot receive them.

        Raises:
            InvalidProductError: The selection is wrong, with dbt's message.
        """
        if self._manifest is not None:
            add_tags(self._manifest, nodes)
        lines = self._ask([*list_command(nodes), *selection]).lines
        return sorted(json.loads(line)["unique_id"] for line in lines)

    def _ask(self, command: list[str]) -> Answer:
        folders, profile = self._folders, self._profile
        profiles = folders.work if profile.folder else dbt_profiles_dir()
        # dbt writes nothing into the project's own files.
        places = (profile.name, profile.target, folders.work / "target", folders.work / "logs")
        arguments = [*command, *place_arguments(folders.project, profiles, *places)]
        arguments += ["--vars", vars_argument(self._vars)] if self._vars else []
        answer = ask_dbt(self._call(arguments), self._manifest)
        if answer.problem:
            raise in_dbts_words(answer.problem, folders.project, profile)
        return answer

    def _call(self, arguments: Sequence[str]) -> DbtCall:
        """Return a call that needs no secrets of the warehouse: unset variables get "1"."""
        variables = {
            **stand_ins(self._profile.output),
            **(JSON_LOG_OF_WARNINGS if self._executable else {}),
            # The file of this compilation, not one that an earlier compilation left in the target
            # folder.
            UPSTREAM_VARIABLE: str(self._folders.work / UPSTREAM_FILE),
            # The value that a run in the environment has, not that of the shell that compiles.
            ENVIRONMENT_VARIABLE: self._folders.environment or None,
        }
        return DbtCall(self._executable, self._folders.project, tuple(arguments), variables)

    def _sealed_cache(self, target: Path, secrets: Mapping[str, str]) -> bytes:
        cache = (target / "partial_parse.msgpack").read_bytes()
        # In the environment of a run: dbt may have recorded the variables that floe sets.
        with self._call(()).in_this_process():
            return seal_environment(seal_cache(cache, secrets), self._graph_variables(), secrets)

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


def _manifest(target: Path, secrets: Mapping[str, str]) -> dict[str, Any]:
    """Return dbt's manifest.json without the secrets that it read from the environment."""
    try:
        manifest = json.loads((target / "manifest.json").read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        what = f"dbt left no manifest.json that can be read: {error}"
        raise InvalidProductError([Problem(what, "run `dbt parse`", "manifest.json")]) from None
    hidden: dict[str, Any] = Redactor(secrets.values()).hide_known_in_tree(manifest)
    return hidden


def stand_ins(output: Mapping[str, Any]) -> dict[str, str]:
    """Return "1" for each variable that is not set, which serves as a text and as a port."""
    return {
        name: "1"
        for field, value in output.items()
        if field not in _FIELDS_IN_GRAPH
        for name in required_names(str(value))
        if name not in os.environ
    }
