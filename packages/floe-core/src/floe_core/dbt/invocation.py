"""Build the arguments of dbt calls, the same for both ways to run dbt."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from floe_core.dbt.call import DbtCall, place_arguments
from floe_core.dbt.preloaded_manifest import parsed_file
from floe_core.dbt.selection import arguments_for_nodes, escape
from floe_core.lineage.backend import is_configured
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import DbtProject, ExecutionPolicy
from floe_core.storage.state_folder import place_below, run_folder
from floe_core.user_yaml.dbt_vars import vars_argument
from floe_core.warehouse.credentials import profiles_dir


@dataclass(frozen=True, slots=True)
class Invocation:
    """A call of dbt that runs nodes. `target` is the folder that it writes to.

    `parsed_file` is the kept parse that matches its vars, "" if dbt must parse.
    `wants_columns`: the columns of built relations are recorded. `compiles` is "" for
    a call that builds; "steady" compiles nodes whose Jinja reads only refs, sources and macros, so
    that dbt needs no other nodes. `microbatch` is what dbt 1 takes beside its arguments; see
    `dbt_floe_microbatch`. `hidden_vars` are those that a project did not ask for.
    """

    call: DbtCall
    target: Path
    node_ids: tuple[str, ...]
    parsed_file: str
    wants_columns: bool
    compiles: Literal["", "steady", "any"]
    microbatch: Mapping[str, Any]
    hidden_vars: Collection[str]


def invocation(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: tuple[str, ...],
    command: Literal["build", "compile"] = "build",
    *,
    is_selected: bool,
    enabled: tuple[Node, ...] = (),
) -> Invocation:
    """Return the call that builds or compiles these nodes. dbt writes only to the run's folder.

    `enabled` are nodes that only the vars of the run enable, and that are selected with them.
    Without `is_selected`, dbt gets no selection; see `needs_selection`.
    """
    project_dir = artifacts.folder
    folder = run_folder(project_dir, request.run_id)
    selection = arguments_for_nodes(artifacts, set(node_ids), enabled) if is_selected else []
    target = target_of_build(project_dir, request, "" if command == "build" else "-plan")
    arguments = [*_places(artifacts, project_dir, target, folder)]
    arguments += policy_arguments(artifacts.execution)
    verb = _verb(artifacts, node_ids) if command == "build" else command
    if verb == "build":
        arguments += [*_flags(artifacts, request), *_times(artifacts.dbt, request)]
    own = own_vars(artifacts, request)
    arguments += ["--vars", vars_argument(vars_of_build(artifacts, request))]
    return Invocation(
        DbtCall(artifacts.dbt.executable, project_dir, (verb, *arguments, *selection), {}),
        target,
        node_ids,
        parsed_file=_parsed_file(artifacts, request, own),
        wants_columns=command == "build"
        and (request.wants_columns or is_configured(artifacts.lineage, project_dir)),
        compiles="any" if command == "compile" else "",
        microbatch=_microbatch(artifacts.dbt, request) if verb == "build" else {},
        hidden_vars=run_vars(request),
    )


def target_of_build(project_dir: Path, request: BuildRequest, of_what: str = "") -> Path:
    """Return the folder that dbt writes to in the builds of one attempt."""
    run = run_folder(project_dir, request.run_id)
    return place_below(run, f"attempt-{request.attempt}{of_what}")


def target_of_freshness(project_dir: Path, request: BuildRequest) -> Path:
    """Return the folder that dbt writes the freshness of sources to in one attempt."""
    return target_of_build(project_dir, request, "-freshness")


def freshness_invocation(
    artifacts: CompiledArtifacts, request: BuildRequest, node_ids: tuple[str, ...]
) -> Invocation:
    """Return the call that measures the freshness of the sources that these nodes test."""
    folder = run_folder(artifacts.folder, request.run_id)
    target = target_of_freshness(artifacts.folder, request)
    own = own_vars(artifacts, request)
    arguments = (
        *("source", "freshness", *_places(artifacts, artifacts.folder, target, folder)),
        *policy_arguments(artifacts.execution),
        *("--vars", vars_argument({**own, **run_vars(request)})),
        *("--select", *freshness_selection(artifacts, node_ids)),
    )
    return Invocation(
        DbtCall(artifacts.dbt.executable, artifacts.folder, arguments, {}),
        target,
        node_ids,
        parsed_file=_parsed_file(artifacts, request, own),
        wants_columns=False,
        compiles="",
        microbatch={},
        hidden_vars=run_vars(request),
    )


def command_invocation(
    artifacts: CompiledArtifacts, request: BuildRequest, words: Sequence[str], work: Path
) -> DbtCall:
    """Return the call of a dbt command that builds no nodes, with the profile and vars of a run.

    dbt writes its artifacts and its log to `work`.
    """
    arguments = (
        *words,
        *_places(artifacts, artifacts.folder, work, work),
        *("--vars", vars_argument(vars_of_build(artifacts, request))),
    )
    return DbtCall(artifacts.dbt.executable, artifacts.folder, arguments, {})


def freshness_selection(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> list[str]:
    """Return the sources that these nodes test, in dbt's selection syntax."""
    sources = (artifacts.by_id[artifacts.by_id[node_id].tested] for node_id in node_ids)
    # A dot in a name would end it.
    names = ((each.package, each.source_name, each.name) for each in sources)
    return [f"source:{'.'.join(escape(name).replace('.', '?') for name in each)}" for each in names]


def _places(artifacts: CompiledArtifacts, project_dir: Path, target: Path, log: Path) -> list[str]:
    dbt = artifacts.dbt
    profiles = profiles_dir(dbt, project_dir)
    return place_arguments(project_dir, profiles, dbt.profile_name, dbt.target_name, target, log)


def policy_arguments(policy: ExecutionPolicy) -> list[str]:
    """Return dbt's arguments for `execution` of floe.yaml; parity runs plain dbt with them too."""
    threads = policy.max_parallel
    return [] if threads is None else ["--threads", str(threads)]


def own_vars(artifacts: CompiledArtifacts, request: BuildRequest) -> dict[str, Any]:
    """Return the vars of the product, its job and this run; later ones override earlier ones."""
    return {**artifacts.dbt.vars, **artifacts.job(request.job).vars, **request.parameters.vars}


def vars_of_build(artifacts: CompiledArtifacts, request: BuildRequest) -> dict[str, Any]:
    """Return all vars that dbt receives; those of a partition override any other."""
    return {**own_vars(artifacts, request), **run_vars(request), **request.partition_vars}


def _parsed_file(artifacts: CompiledArtifacts, request: BuildRequest, own: dict[str, Any]) -> str:
    """Return the file of the parse made with these vars; floe's own vars shape no graph."""
    if own == artifacts.dbt.vars:
        return parsed_file(environment=_that_dbt_parses(artifacts))
    if artifacts.environment:
        return ""
    job = artifacts.job(request.job)
    return parsed_file(job.name) if own == {**artifacts.dbt.vars, **job.vars} else ""


def _that_dbt_parses(artifacts: CompiledArtifacts) -> str:
    """Return the environment if it has its own parse, due to another target or other vars."""
    values = artifacts.environments.get(artifacts.environment)
    is_other = values is not None and bool(values.target_name or values.vars)
    return artifacts.environment if is_other else ""


def _verb(artifacts: CompiledArtifacts, node_ids: tuple[str, ...]) -> str:
    """Return dbt's command; `dbt build` runs unit tests only together with their models."""
    kinds = {artifacts.by_id[node_id].resource_type for node_id in node_ids}
    return "test" if "unit_test" in kinds and kinds <= {"test", "unit_test"} else "build"


def is_full_refresh(artifacts: CompiledArtifacts, request: BuildRequest) -> bool:
    """Return whether a run builds from scratch, because it or its job is one that does."""
    return request.parameters.full_refresh or artifacts.job(request.job).full_refresh


def _flags(artifacts: CompiledArtifacts, request: BuildRequest) -> list[str]:
    """Return the flags of the run that `dbt test` does not have."""
    is_full = is_full_refresh(artifacts, request)
    flags = {"--full-refresh": is_full, "--empty": request.parameters.empty}
    return [flag for flag, is_set in flags.items() if is_set]


def _times(dbt: DbtProject, request: BuildRequest) -> list[str]:
    """Return dbt's arguments for microbatch models, which read times without a zone as UTC.

    With the end alone, which only dbt 2 accepts, each model goes back as far as it does from now.
    """
    span, moment = request.range, _moment(request)
    if span is not None:
        return ["--event-time-start", _text(span.start), "--event-time-end", _text(span.end)]
    return ["--event-time-end", _text(moment)] if moment and dbt.major_version > 1 else []


def _microbatch(dbt: DbtProject, request: BuildRequest) -> dict[str, Any]:
    """Return what dbt 1 takes beside its arguments."""
    if dbt.major_version > 1:
        return {}
    moment = _moment(request) if request.range is None else None
    partly = {r.unique_id: r.failed_batches for r in request.unfinished if r.built_batches}
    given = {"moment": moment.isoformat() if moment else "", "batches": partly}
    return given if any(given.values()) else {}


def _moment(request: BuildRequest) -> datetime | None:
    """Return the time that microbatch models take for now, None for the clock's.

    A run starts after its tick. At the tick itself, a batch that starts then would not be due yet.
    A retry is for the time of the first attempt.
    """
    if request.nominal_time:
        return request.nominal_time.astimezone(UTC) + timedelta(seconds=1)
    started = (r.started_at for r in (*request.settled, *request.unfinished))
    return min(filter(None, started), default=None) if request.unfinished else None


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def run_vars(request: BuildRequest) -> dict[str, str | int]:
    """Return the vars that every dbt model can read; "" for a time that the run does not have."""
    span = request.range
    return {
        "floe_nominal_time": _iso(request.nominal_time),
        "floe_range_start": _iso(span.start if span else None),
        "floe_range_end": _iso(span.end if span else None),
        "floe_run_id": request.run_id,
        "floe_attempt": request.attempt,
        "floe_job": request.job,
    }


def _iso(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat() if moment else ""
