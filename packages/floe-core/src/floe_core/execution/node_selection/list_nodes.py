"""List with dbt the nodes that a selection matches, in a compiled product."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

from floe_core.dbt.executable import find_executable
from floe_core.dbt.invocation import QUIET_ENVIRONMENT, place_arguments
from floe_core.dbt.library import invoke_library
from floe_core.dbt.messages import text_of_error
from floe_core.dbt.preloaded_manifest import add_tags, preload_manifest
from floe_core.execution.node_selection.step_selection import StepSelection
from floe_core.foundation.errors import UsageError
from floe_core.foundation.process_environment import environment_with
from floe_core.product_folder.state_folder import state_folder
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

_NAMING = ("name", "resource_type", "package_name", "original_file_path", "fqn")
LISTED_TYPES = ("model", "seed", "snapshot", "test", "unit_test")


def ids_listed(artifacts: CompiledArtifacts, select: str, exclude: str) -> frozenset[str]:
    """Return the ids of the nodes that a selection in dbt's syntax matches, ephemeral ones too.

    Raises:
        UsageError: dbt rejects the selection.
    """
    if artifacts.steps:
        selection = StepSelection(artifacts.nodes, lambda words: _ids_listed(artifacts, words))
        return frozenset(selection.take(select, exclude))
    return _ids_listed(artifacts, selection_arguments(select, exclude))


def selection_arguments(select: str, exclude: str) -> list[str]:
    """Return dbt's arguments for a selection.

    >>> selection_arguments("tag:daily orders+", "")
    ['--select', 'tag:daily', 'orders+']
    """
    given = {"--select": select.split(), "--exclude": exclude.split()}
    return [text for flag, words in given.items() if words for text in (flag, *words)]


def _ids_listed(artifacts: CompiledArtifacts, selection: list[str]) -> frozenset[str]:
    """Return the ids that dbt lists for these arguments."""
    arguments = [*list_command(artifacts.nodes), *selection]
    lines, problem = _lines_listed(artifacts, arguments, artifacts.dbt.vars, parses=False)
    if problem:
        raise UsageError(f"{' '.join(selection)}: dbt: {problem}")
    return frozenset(json.loads(line)["unique_id"] for line in lines)


def nodes_listed(
    artifacts: CompiledArtifacts, selection: list[str], own_vars: Mapping[str, Any]
) -> dict[str, Node]:
    """Return id -> node of those that dbt lists with these vars, for which it parses again.

    The nodes have only what names them; there are none if dbt fails, as the build then will.
    """
    command = list_command(artifacts.nodes, ("unique_id", *_NAMING))
    lines, problem = _lines_listed(artifacts, [*command, *selection], own_vars, parses=True)
    entries = [] if problem else [json.loads(line) for line in lines]
    return {entry["unique_id"]: _named_node(entry) for entry in entries}


def _named_node(entry: Mapping[str, Any]) -> Node:
    return Node(
        unique_id=entry["unique_id"],
        name=entry["name"],
        resource_type=entry["resource_type"],
        package=entry["package_name"],
        path=entry["original_file_path"],
        fqn=tuple(entry["fqn"]),
    )


def _lines_listed(
    artifacts: CompiledArtifacts, command: list[str], own_vars: Mapping[str, Any], *, parses: bool
) -> tuple[list[str], str]:
    """Return what dbt prints, and why it failed; without `parses`, it uses the kept parse."""
    folder = artifacts.folder
    arguments = [*command, "--quiet", *_arguments(artifacts, folder, own_vars)]
    if artifacts.dbt.executable:
        return _list_with_executable(artifacts.dbt.executable, folder, arguments)
    return _list_in_process(artifacts, folder, arguments, parses=parses)


def _arguments(
    artifacts: CompiledArtifacts, project_dir: Path, own: Mapping[str, Any]
) -> list[str]:
    work = state_folder(project_dir) / "ls"
    return [
        *place_arguments(artifacts, project_dir, work, work),
        *(("--vars", vars_argument(own)) if own else ()),
    ]


def _list_in_process(
    artifacts: CompiledArtifacts, project_dir: Path, arguments: list[str], *, parses: bool
) -> tuple[list[str], str]:
    """Return what the dbt installed beside floe prints, and why it failed."""
    errors: list[str] = []
    kept = None if parses else preload_manifest(project_dir, artifacts.dbt.version)
    manifest = kept.manifest if kept else None
    if manifest is not None:
        add_tags(manifest, artifacts.nodes)
    environment = {**QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(project_dir)}
    with chdir(project_dir), environment_with(environment), redirect_stdout(io.StringIO()):
        outcome = invoke_library(arguments, manifest, [errors_into(errors)])
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    problem = "" if outcome.success else reason_of(outcome.exception, errors)
    return list(outcome.result or ()), problem


def _list_with_executable(
    executable: str, project_dir: Path, arguments: list[str]
) -> tuple[list[str], str]:
    """Return what the product's own dbt prints, and why it failed."""
    done = subprocess.run(
        [find_executable(executable, project_dir), *arguments],
        cwd=project_dir,
        env={**os.environ, **QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(project_dir)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return lines, text_of_error(done.stdout + done.stderr).strip() if done.returncode else ""


def list_command(nodes: Iterable[Node], keys: Sequence[str] = ("unique_id",)) -> list[str]:
    """Return the first arguments of a `dbt ls` that prints these keys of all nodes of a build.

    dbt before 1.11 has no functions, and rejects that resource type.
    """
    has_functions = any(node.resource_type == "function" for node in nodes)
    kinds = (*LISTED_TYPES, *(("function",) if has_functions else ()))
    types = [text for kind in kinds for text in ("--resource-type", kind)]
    return ["ls", "--output", "json", "--output-keys", *keys, *types]


def reason_of(exception: BaseException | None, errors: Iterable[str]) -> str:
    """Return why a dbt command failed: the errors that it reported, then what ended it.

    dbt reports details before the exception, and the exception itself once more.

    >>> reason_of(ValueError("not valid"), ["no such column", "Encountered an error: not valid"])
    'no such column\\nnot valid'
    """
    last = "" if exception is None else str(exception).strip()
    texts = (text.strip() for text in errors)
    details = [text for text in texts if not last or (last not in text and text not in last)]
    return "\n".join([*details, *([last] if last else [])])


def errors_into(errors: list[str]) -> Callable[[Any], None]:
    """Return a callback for dbt's runner that appends the texts of its errors to this list."""

    def keep(message: Any) -> None:
        if message.info.level == "error":
            errors.append(message.info.msg)

    return keep
