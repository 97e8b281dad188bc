"""How dbt is called for a build: the arguments, the same for both ways to run it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from floe_core.build_request import BuildRequest
from floe_core.execution.preloaded_manifest import PARSED_FILE, parsed_file
from floe_core.execution.selection import arguments_for_nodes
from floe_core.lineage.backend import is_configured
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.state_folder import run_folder
from floe_core.time_range import TimeRange
from floe_core.warehouse.dbt_profiles import profiles_dir

QUIET_ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of dbt. `target` is where it writes what it made, `node_ids` what it must run.

    `parsed_file` is the kept parse that goes with its vars, "" where dbt must parse.
    `wants_columns`: the columns of what is built are written down, for lineage.
    """

    arguments: list[str]
    project_dir: Path
    target: Path
    node_ids: tuple[str, ...]
    parsed_file: str = PARSED_FILE
    wants_columns: bool = False


def invocation(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    project_dir: Path,
    node_ids: tuple[str, ...],
    is_whole_product: bool,
    command: Literal["build", "compile"] = "build",
) -> Invocation:
    """Return the call that builds or compiles these nodes. dbt writes into the run's folder alone.

    The whole product needs no selection, unless dbt has a default selector that would narrow it.
    """
    folder = run_folder(project_dir, request.run_id)
    is_selected = not is_whole_product or bool(artifacts.dbt.default_selector)
    selection = arguments_for_nodes(artifacts, set(node_ids)) if is_selected else []
    target = folder / f"attempt-{request.attempt}{'' if command == 'build' else '-plan'}"
    arguments = place_arguments(artifacts, project_dir, target, folder)
    if artifacts.execution.max_parallel is not None:
        arguments += ["--threads", str(artifacts.execution.max_parallel)]
    if request.range is not None and command == "build":
        arguments += _event_times(request.range)
    own = own_vars(artifacts, request)
    arguments += ["--vars", json.dumps({**own, **run_vars(request)}), "--no-use-colors"]
    call = [command, *arguments, *selection]
    return Invocation(
        call,
        project_dir,
        target,
        node_ids,
        parsed_file=_parsed_file(artifacts, request, own),
        wants_columns=command == "build" and is_configured(artifacts.lineage, project_dir),
    )


def place_arguments(
    artifacts: CompiledArtifacts, project_dir: Path, target: Path, log: Path
) -> list[str]:
    """Return dbt's arguments for the project, its profile, and the folders that dbt writes to."""
    return [
        *("--project-dir", str(project_dir)),
        *("--profiles-dir", str(profiles_dir(artifacts.dbt, project_dir))),
        *("--target-path", str(target)),
        *("--log-path", str(log)),
        *("--profile", artifacts.dbt.profile_name),
        *("--target", artifacts.dbt.target_name),
    ]


def own_vars(artifacts: CompiledArtifacts, request: BuildRequest) -> dict[str, Any]:
    """Return the vars of the product, its job and this run; the later win."""
    return {**artifacts.dbt.vars, **artifacts.job(request.job).vars, **request.vars}


def _parsed_file(artifacts: CompiledArtifacts, request: BuildRequest, own: dict[str, Any]) -> str:
    """Return the parse that was made with these vars; floe's own vars shape no graph."""
    if own == artifacts.dbt.vars:
        return PARSED_FILE
    job = artifacts.job(request.job)
    return parsed_file(job.name) if own == {**artifacts.dbt.vars, **job.vars} else ""


def _event_times(span: TimeRange) -> list[str]:
    """Return dbt's arguments for microbatch models, which read times without a zone as UTC."""
    start, end = (moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in (span.start, span.end))
    return ["--event-time-start", start, "--event-time-end", end]


def run_vars(request: BuildRequest) -> dict[str, str | int]:
    """Return the vars that every dbt model can read; "" is the time that a run does not have."""
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
