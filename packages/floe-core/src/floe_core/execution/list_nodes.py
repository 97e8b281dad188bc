"""Ask dbt which nodes a selection takes, in a product that is compiled."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

from floe_core.errors import UsageError
from floe_core.execution.dbt_executable import find_executable
from floe_core.execution.dbt_messages import text_of_error
from floe_core.execution.invocation import QUIET_ENVIRONMENT, place_arguments
from floe_core.execution.preloaded_manifest import add_tags, preload_manifest
from floe_core.process_environment import environment_with
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.state_folder import state_folder
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE

LISTED_TYPES = ("model", "seed", "snapshot", "test", "unit_test")


def selected(artifacts: CompiledArtifacts, job_name: str | None, select: str) -> tuple[str, ...]:
    """Return the ids of a job's nodes that a selection in dbt's syntax takes, sorted.

    `job_name` of None takes from every node of the product.

    Raises:
        UsageError: dbt does not understand it, or it takes none of the job's nodes.
    """
    project_dir = artifacts.folder
    arguments = [*list_command(), "--quiet", *_arguments(artifacts, project_dir)]
    arguments += ["--select", *select.split()]
    if artifacts.dbt.executable:
        lines, problem = _ask_executable(artifacts.dbt.executable, project_dir, arguments)
    else:
        lines, problem = _ask_in_process(artifacts, project_dir, arguments)
    if problem:
        raise UsageError(f"--select {select}: dbt: {problem}")
    taken = {json.loads(line)["unique_id"] for line in lines}
    nodes = artifacts.nodes_of(artifacts.job(job_name)) if job_name else artifacts.runnable
    wanted = tuple(node.unique_id for node in nodes if node.unique_id in taken)
    if not wanted:
        of = f"the job '{job_name}'" if job_name else artifacts.product.name
        raise UsageError(f"--select {select}: takes no node of {of}")
    return wanted


def _arguments(artifacts: CompiledArtifacts, project_dir: Path) -> list[str]:
    work = state_folder(project_dir) / "ls"
    own = artifacts.dbt.vars
    return [
        *place_arguments(artifacts, project_dir, work, work),
        *(("--vars", json.dumps(own)) if own else ()),
    ]


def _ask_in_process(
    artifacts: CompiledArtifacts, project_dir: Path, arguments: list[str]
) -> tuple[list[str], str]:
    """Return what the dbt beside floe prints, and why it failed."""
    from dbt.cli.main import dbtRunner

    said: list[str] = []
    manifest = preload_manifest(project_dir, artifacts.dbt.version).manifest
    if manifest is not None:
        add_tags(manifest, artifacts.nodes)
    environment = {**QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(project_dir)}
    with chdir(project_dir), environment_with(environment), redirect_stdout(io.StringIO()):
        outcome = dbtRunner(manifest=manifest, callbacks=[errors_into(said)]).invoke(arguments)
    if isinstance(outcome.exception, KeyboardInterrupt):
        raise outcome.exception
    problem = "" if outcome.success else str(outcome.exception or " ".join(said))
    return list(outcome.result or ()), problem


def _ask_executable(
    executable: str, project_dir: Path, arguments: list[str]
) -> tuple[list[str], str]:
    """Return what the product's own dbt prints, and why it failed."""
    done = subprocess.run(
        [find_executable(executable, project_dir), *arguments, "--no-use-colors"],
        cwd=project_dir,
        env={**os.environ, **QUIET_ENVIRONMENT, PROJECT_DIR_VARIABLE: str(project_dir)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return lines, text_of_error(done.stdout + done.stderr).strip() if done.returncode else ""


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
