"""List with dbt the nodes that a selection matches, in a compiled product."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from floe_core.dbt.ask import Answer, ask_dbt, list_command
from floe_core.dbt.call import DbtCall, place_arguments
from floe_core.dbt.messages import text_of_error
from floe_core.dbt.preloaded_manifest import add_tags, preload_manifest
from floe_core.dbt.step_selection import StepSelection
from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.storage.state_folder import place_below, state_folder
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.dbt_profiles import profiles_dir
from floe_core.warehouse.outside_values import set_outside_values

_NAMING = ("name", "resource_type", "package_name", "original_file_path", "fqn")


def ids_listed(artifacts: CompiledArtifacts, select: str, exclude: str) -> frozenset[str]:
    """Return the ids of the nodes that a selection in dbt's syntax matches, ephemeral ones too.

    Raises:
        UsageError: dbt rejects the selection.
    """
    if not artifacts.steps:
        return _ids_listed(artifacts, selection_arguments(select, exclude))
    selection = StepSelection(artifacts.nodes, lambda words: _ids_listed(artifacts, words))
    return frozenset(selection.take(select, exclude))


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
    answer = _ask(artifacts, arguments, artifacts.dbt.vars, parses=False)
    if answer.problem:
        why = text_of_error(answer.problem).strip()
        raise UsageError(f"{' '.join(selection)}: dbt: {why}")
    return frozenset(json.loads(line)["unique_id"] for line in answer.lines)


def nodes_listed(
    artifacts: CompiledArtifacts, selection: list[str], own_vars: Mapping[str, Any]
) -> dict[str, Node]:
    """Return id -> node of those that dbt lists with these vars, for which it parses again.

    The nodes have only what names them; there are none if dbt fails, as the build then will.
    """
    command = list_command(artifacts.nodes, ("unique_id", *_NAMING))
    answer = _ask(artifacts, [*command, *selection], own_vars, parses=True)
    entries = [] if answer.problem else [json.loads(line) for line in answer.lines]
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


def _ask(
    artifacts: CompiledArtifacts, command: list[str], own_vars: Mapping[str, Any], *, parses: bool
) -> Answer:
    """Return dbt's answer; without `parses`, the dbt beside floe uses the kept parse."""
    dbt, folder = artifacts.dbt, artifacts.folder
    set_outside_values(dbt)
    work = place_below(state_folder(folder), "ls")
    places = (folder, profiles_dir(dbt, folder), dbt.profile_name, dbt.target_name, work, work)
    arguments = [*command, *place_arguments(*places)]
    arguments += ["--vars", vars_argument(own_vars)] if own_vars else []
    is_kept = not (parses or dbt.executable)
    manifest = preload_manifest(folder, dbt.version).manifest if is_kept else None
    if manifest is not None:
        add_tags(manifest, artifacts.nodes)
    return ask_dbt(DbtCall(dbt.executable, folder, tuple(arguments), {}), manifest)
