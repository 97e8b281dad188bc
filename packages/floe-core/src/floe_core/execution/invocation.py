"""How dbt is called for a build: the arguments, the same for both ways to run it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from floe_core.build_request import BuildRequest
from floe_core.execution.selection import arguments_for_nodes
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.state_folder import run_folder

QUIET_ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "False"}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of dbt. `target` is where it writes what it made, `node_ids` what it must run."""

    arguments: list[str]
    project_dir: Path
    target: Path
    node_ids: tuple[str, ...]


def invocation(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    project_dir: Path,
    node_ids: tuple[str, ...],
    is_whole_product: bool,
) -> Invocation:
    """Return the call that builds these nodes. dbt writes into the run's folder alone."""
    folder = run_folder(project_dir, request.run_id)
    selection = [] if is_whole_product else arguments_for_nodes(artifacts, set(node_ids))
    target = folder / f"attempt-{request.attempt}"
    paths = {
        "--project-dir": project_dir,
        "--profiles-dir": project_dir / artifacts.dbt.profiles_dir,
        "--target-path": target,
        "--log-path": folder,
    }
    arguments = [text for pair in paths.items() for text in (pair[0], str(pair[1]))]
    arguments += ["--profile", artifacts.dbt.profile_name, "--target", artifacts.dbt.target_name]
    if artifacts.execution.max_parallel is not None:
        arguments += ["--threads", str(artifacts.execution.max_parallel)]
    arguments += ["--vars", json.dumps(run_vars(request)), "--no-use-colors"]
    return Invocation(["build", *arguments, *selection], project_dir, target, node_ids)


def run_vars(request: BuildRequest) -> dict[str, str | int]:
    """Return the vars that every dbt model can read; a run without a tick has "" as its time."""
    nominal = request.nominal_time
    return {
        "floe_nominal_time": nominal.astimezone(UTC).isoformat() if nominal else "",
        "floe_run_id": request.run_id,
        "floe_attempt": request.attempt,
        "floe_job": request.job,
    }
