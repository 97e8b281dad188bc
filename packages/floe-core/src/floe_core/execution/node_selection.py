"""List with dbt the nodes that a selection matches, in a compiled product."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from floe_core.dbt.ask import Answer, ask_dbt, list_command
from floe_core.dbt.call import DbtCall, place_arguments
from floe_core.dbt.invocation import own_vars, run_vars
from floe_core.dbt.messages import text_of_error
from floe_core.dbt.preloaded_manifest import add_tags, preload_manifest
from floe_core.dbt.selection import StepSelection
from floe_core.foundation.errors import UsageError
from floe_core.runs.build_request import BuildRequest
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import with_freshness
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.storage.state_folder import place_below, state_folder
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.credentials import profiles_dir
from floe_core.warehouse.outside_values import set_outside_values

_NAMING = ("name", "resource_type", "package_name", "original_file_path", "fqn")


def ids_listed(artifacts: CompiledArtifacts, select: str, exclude: str) -> frozenset[str]:
    """Return the ids of the nodes that a selection in dbt's syntax matches, ephemeral ones too.

    Raises:
        UsageError: dbt rejects the selection.
    """
    if not artifacts.steps:
        return _ids_from_dbt(artifacts, selection_arguments(select, exclude))
    selection = StepSelection(artifacts.nodes, lambda words: _ids_from_dbt(artifacts, words))
    return frozenset(selection.take(select, exclude))


def selection_arguments(select: str, exclude: str) -> list[str]:
    """Return dbt's arguments for a selection.

    >>> selection_arguments("tag:daily orders+", "")
    ['--select', 'tag:daily', 'orders+']
    """
    given = {"--select": select.split(), "--exclude": exclude.split()}
    return [text for flag, words in given.items() if words for text in (flag, *words)]


def _ids_from_dbt(artifacts: CompiledArtifacts, selection: list[str]) -> frozenset[str]:
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


def enabled_nodes(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[Node, ...]:
    """Return the nodes that dbt would build in this run, and that the compiled graph lacks.

    They have only what names them. There are none in a run without vars, in one of several builds
    of a run, and in a product with steps, whose place in dbt's graph is not known.
    """
    parameters = request.parameters
    if not (parameters.vars and request.adds_enabled) or request.part or artifacts.steps:
        return ()
    given = {**own_vars(artifacts, request), **run_vars(request)}
    listed = [nodes_listed(artifacts, each, given) for each in _selections(artifacts, request)]
    types = parameters.resource_types
    return tuple(
        node
        for node_id, node in sorted(listed[0].items())
        if node_id not in artifacts.by_id
        and (not types or node.resource_type in types)
        and all(node_id in others for others in listed[1:])
    )


def _selections(artifacts: CompiledArtifacts, request: BuildRequest) -> list[list[str]]:
    """Return dbt's arguments for the selection of the run and for that of its job."""
    parameters, job = request.parameters, artifacts.job(request.job)
    of_run = selection_arguments(parameters.select, parameters.exclude)
    # A selection of a run takes the place of dbt's default selector, which is the product's own.
    is_default = bool(job.selector) and job.selector == artifacts.dbt.default_selector
    of_job = [] if is_default else _selection_of(job)
    return [each for each in (of_run, of_job) if each] or [[]]


def _selection_of(job: Job) -> list[str]:
    if job.selector:
        return ["--selector", job.selector]
    return selection_arguments(job.select, job.exclude)


# As `chosen_nodes`, which may be called in another process.
ChooseNodes = Callable[[CompiledArtifacts, RunParameters, Iterable[str]], tuple[str, ...]]
_WITH_VARS = "; nodes that only the run's vars enable have to be selected along with another"


def wanted_nodes(artifacts: CompiledArtifacts, request: BuildRequest) -> tuple[str, ...]:
    """Return the ids of the nodes that the request names or selects, else of its job, sorted.

    Raises:
        UsageError: The product has no such job or no such node, or the selection matches none.
    """
    if request.node_ids is None:
        of_job = nodes_of_job(artifacts, request.job)
        return chosen_nodes(artifacts, request.parameters, of_job)
    known = {node.unique_id for node in artifacts.runnable}
    unknown = sorted(set(request.node_ids) - known)
    if unknown:
        raise UsageError(f"{artifacts.product.name} has no node {', '.join(unknown)}")
    return tuple(sorted(set(request.node_ids)))


def nodes_of_job(artifacts: CompiledArtifacts, job_name: str) -> tuple[str, ...]:
    """Return the ids of a job's nodes, sorted.

    Raises:
        UsageError: The product has no such job.
    """
    return tuple(node.unique_id for node in artifacts.nodes_of(artifacts.job(job_name)))


def chosen_nodes(
    artifacts: CompiledArtifacts, parameters: RunParameters, among: Iterable[str]
) -> tuple[str, ...]:
    """Return the ids, among those given, of the nodes that a run's parameters select, sorted.

    Without a selection in the parameters, returns all of them. dbt evaluates the selection; then
    resource types are left out, as in `dbt build`.

    Raises:
        UsageError: dbt rejects the selection, or it matches none of these nodes.
    """
    ids = tuple(sorted(set(among)))
    if not parameters.narrows:
        return ids
    types = parameters.resource_types
    taken = _ids_listed(artifacts, parameters) if parameters.select or parameters.exclude else ids
    found = tuple(
        node_id
        for node_id in ids
        if node_id in taken and (not types or artifacts.by_id[node_id].resource_type in types)
    )
    among_nodes = (artifacts.by_id[node_id] for node_id in ids)
    found = with_freshness(_that_dbt_runs(artifacts, found), among_nodes)
    if not found:
        message = f"{parameters.selection}: selects no node of {artifacts.product.name}"
        raise UsageError(message + (_WITH_VARS if parameters.vars else ""))
    return found


def _that_dbt_runs(artifacts: CompiledArtifacts, found: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out unit tests without their model; dbt runs those only if there are only tests."""
    if all(artifacts.by_id[node_id].is_test for node_id in found):
        return found
    return tuple(
        node_id
        for node_id in found
        if artifacts.by_id[node_id].resource_type != "unit_test"
        or artifacts.by_id[node_id].tested in found
    )


def _ids_listed(artifacts: CompiledArtifacts, parameters: RunParameters) -> frozenset[str]:
    # Loading a product does not require dbt.

    return ids_listed(artifacts, parameters.select, parameters.exclude)
