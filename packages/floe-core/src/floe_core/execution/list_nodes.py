"""Ask dbt which nodes a selection takes, in a product that is compiled."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from typing import Any

from floe_core.errors import UsageError
from floe_core.execution.dbt_profiles import profiles_dir
from floe_core.execution.invocation import QUIET_ENVIRONMENT
from floe_core.execution.preloaded_manifest import add_tags, preload_manifest
from floe_core.execution.warehouse_lock import PROJECT_DIR_VARIABLE
from floe_core.process_environment import environment_with
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.state_folder import state_folder

LISTED_TYPES = ("model", "seed", "snapshot", "test", "unit_test")


def selected(artifacts: CompiledArtifacts, job_name: str | None, select: str) -> tuple[str, ...]:
    """Return the ids of a job's nodes that a selection in dbt's syntax takes, sorted.

    `job_name` of None takes from every node of the product.

    Raises:
        UsageError: dbt does not understand it, or it takes none of the job's nodes.
    """
    from dbt.cli.main import dbtRunner

    project_dir = artifacts.project_dir
    assert project_dir is not None
    said: list[str] = []
    manifest = preload_manifest(project_dir, artifacts.dbt.version).manifest
    if manifest is not None:
        add_tags(manifest, artifacts.nodes)
    work = state_folder(project_dir) / "ls"
    paths = {
        "--project-dir": project_dir,
        "--profiles-dir": profiles_dir(artifacts.dbt, project_dir),
        "--target-path": work,
        "--log-path": work,
    }
    arguments = [text for pair in paths.items() for text in (pair[0], str(pair[1]))]
    arguments += ["--profile", artifacts.dbt.profile_name, "--target", artifacts.dbt.target_name]
    environment = {**QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(project_dir)}
    with chdir(project_dir), environment_with(environment), redirect_stdout(io.StringIO()):
        outcome = dbtRunner(manifest=manifest, callbacks=[errors_into(said)]).invoke(
            [*list_command(), "--quiet", *arguments, "--select", *select.split()]
        )
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    if not outcome.success:
        raise UsageError(f"--select {select}: dbt: {outcome.exception or ' '.join(said)}")
    taken = {json.loads(line)["unique_id"] for line in outcome.result or ()}
    nodes = artifacts.nodes_of(artifacts.job(job_name)) if job_name else artifacts.runnable
    wanted = tuple(node.unique_id for node in nodes if node.unique_id in taken)
    if not wanted:
        of = f"the job '{job_name}'" if job_name else artifacts.product.name
        raise UsageError(f"--select {select}: takes no node of {of}")
    return wanted


def list_command() -> list[str]:
    """Return the start of a `dbt ls` that prints the id of each node that a build can take."""
    types = [text for kind in LISTED_TYPES for text in ("--resource-type", kind)]
    return ["ls", "--output", "json", "--output-keys", "unique_id", *types]


def errors_into(said: list[str]) -> Callable[[Any], None]:
    """Return a callback for dbt's runner that keeps the texts of its errors."""

    def hear(message: Any) -> None:
        if message.info.level == "error":
            said.append(message.info.msg)

    return hear
