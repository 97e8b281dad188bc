"""Ask dbt which nodes a selection takes, in a product that is compiled."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout

from floe_core.errors import UsageError
from floe_core.execution.preloaded_manifest import add_tags, preloaded_manifest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

LISTED_TYPES = ("model", "seed", "snapshot", "test", "unit_test")


def selected(artifacts: CompiledArtifacts, job_name: str, select: str) -> tuple[str, ...]:
    """Return the ids of a job's nodes that a selection in dbt's syntax takes, sorted.

    Raises:
        UsageError: dbt does not understand it, or it takes none of the job's nodes.
    """
    from dbt.cli.main import dbtRunner

    project_dir = artifacts.project_dir
    assert project_dir is not None
    said: list[str] = []
    manifest = preloaded_manifest(project_dir, artifacts.dbt.version)
    if manifest is not None:
        add_tags(manifest, artifacts.nodes)
    with redirect_stdout(io.StringIO()):
        outcome = dbtRunner(manifest=manifest, callbacks=[_errors_into(said)]).invoke(
            [
                *("ls", "--quiet", "--output", "json", "--output-keys", "unique_id"),
                *(text for kind in LISTED_TYPES for text in ("--resource-type", kind)),
                *(
                    "--project-dir",
                    str(project_dir),
                    "--target-path",
                    str(project_dir / ".floe/ls"),
                ),
                *("--profiles-dir", str(project_dir / artifacts.dbt.profiles_dir)),
                *("--log-path", str(project_dir / ".floe/ls"), "--select", *select.split()),
            ]
        )
    if not outcome.success:
        raise UsageError(f"--select {select}: dbt: {outcome.exception or ' '.join(said)}")
    taken = {json.loads(line)["unique_id"] for line in outcome.result or ()}
    wanted = tuple(
        node.unique_id
        for node in artifacts.nodes_of(artifacts.job(job_name))
        if node.unique_id in taken
    )
    if not wanted:
        raise UsageError(f"--select {select}: takes no node of the job '{job_name}'")
    return wanted


def _errors_into(said: list[str]):  # type: ignore[no-untyped-def]
    def hear(message) -> None:  # type: ignore[no-untyped-def]
        if message.info.level == "error":
            said.append(message.info.msg)

    return hear
