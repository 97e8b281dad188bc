"""Write dbt's artifacts of a run where floe.yaml says, each time that a build of it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

from floe_artifacts.documentation import documentation
from floe_artifacts.ended_build import EndedBuild
from floe_artifacts.place import place_of_product
from floe_artifacts.published_runs import IndexOfRuns, folder_of_run
from floe_artifacts.run_set import CATALOG, RunSet, copy_latest
from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.runs.build_events import NodeLog, RunStatus
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import DbtFiles

# The last three: files of another version of dbt, which lack what is read here.
_PROBLEMS = (OSError, FloeError, LookupError, TypeError, ValueError)


def write_run(
    artifacts: CompiledArtifacts, request: BuildRequest, ending: RunStatus
) -> Iterator[NodeLog]:
    """Write the artifacts of the run that a build belongs to; yield what to say in its log."""
    settings = artifacts.dbt_files
    if settings is None:
        return
    build = EndedBuild(artifacts, request, ending)
    try:
        yield from _write(build, settings)
    except _PROBLEMS as error:
        why = build.redactor.text(str(error))
        yield _message("warn", f"dbt's artifacts of this run were not written: {why}")


def _write(build: EndedBuild, settings: DbtFiles) -> Iterator[NodeLog]:
    """Write the artifacts of a run; yield messages.

    Raises:
        EnvironmentProblemError: The place cannot be read or written.
        OSError: A file of the run cannot be read.
    """
    product = place_of_product(build.artifacts, settings.to)
    folder = folder_of_run(build.request)
    run = RunSet(product, folder)
    run.add(f"{uuid4().hex}.json", build.part(), build.merge)
    if settings.docs and build.is_last_of_run:
        yield from _write_documentation(build, run)
    index = IndexOfRuns(product)
    old = index.add(folder, datetime.now(UTC), settings.keep_days, settings.keep_runs)
    copy_latest(product, index)
    for each in old:
        RunSet(product, each).remove()
    yield _message("info", f"dbt's artifacts: {run.shown_as}")


def _write_documentation(build: EndedBuild, run: RunSet) -> Iterator[NodeLog]:
    try:
        files = documentation(build.artifacts, build.request)
    except EnvironmentProblemError as error:
        yield _message("warn", f"the run has no catalog: {build.redactor.text(str(error))}")
    else:
        run.write({**files, CATALOG: build.without_secrets(files[CATALOG])})


def _message(level: str, text: str) -> NodeLog:
    return NodeLog("", level, text, is_from_floe=True)
