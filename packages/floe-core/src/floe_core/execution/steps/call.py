"""Build the call of a step's process: its program, its environment, its files."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from floe_core.dbt.invocation import command_invocation, is_full_refresh, own_vars, run_vars
from floe_core.execution.private_output import make_private
from floe_core.foundation.entry_points import installed_points
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.frozen import Frozen
from floe_core.schemas.nodes import Step
from floe_core.storage.state_folder import place_below, run_folder
from floe_core.user_yaml.dbt_vars import without_tags
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE, duckdb_file

FACTS_VARIABLE = "FLOE_FACTS_FILE"


class ImageOrder(Frozen):
    """An image to run for a step; `variables` are the names of the variables passed on to it.

    `command` is empty if the image runs its own. `timeout_seconds` is 0 for no limit. `root_run_id`
    is the first of the runs that this one retries.
    """

    product: str
    step: str
    run_id: str
    root_run_id: str
    attempt: int
    image: str
    command: tuple[str, ...]
    variables: tuple[str, ...]
    facts_file: str
    timeout_seconds: int


def command_of(order: ImageOrder) -> tuple[str, ...]:
    """Return the command that runs the image and exits as its container does.

    It is `python -m MODULE ORDER`, with the module that the first entry point by name has.
    """
    runners = installed_points("floe.image_runners")
    return (sys.executable, "-m", runners[min(runners)].value, order.model_dump_json())


CALL_FUNCTION = "floe_core.execution.steps.call_function"
# Variables that make no sense in a step's pod: they refer to this machine.
_OF_THIS_MACHINE = frozenset({PROJECT_DIR_VARIABLE, "FLOE_WAREHOUSE_FILE", "PYTHONUNBUFFERED"})


@dataclass(frozen=True, slots=True)
class StepCall:
    """A process to start in the product's folder. The step may write facts to `facts_file`."""

    unique_id: str
    words: tuple[str, ...]
    environment: dict[str, str]
    project_dir: Path
    facts_file: Path


def step_call(artifacts: CompiledArtifacts, request: BuildRequest, step: Step) -> StepCall:
    """Return the call of a step in a build.

    Raises:
        EnvironmentProblemError: The program does not exist, or nothing runs images here.
    """
    folder = place_below(run_folder(artifacts.folder, request.run_id), "steps")
    make_private(folder)
    name = artifacts.by_id[step.unique_id].name
    facts_file = folder / f"{name}.attempt-{request.attempt}.jsonl"
    facts_file.unlink(missing_ok=True)
    variables = _variables(artifacts, request, name)
    order = _order(artifacts, request, step, (*variables,), facts_file)
    dbt = command_invocation(artifacts, request, step.dbt, folder / name) if step.dbt else None
    return StepCall(
        step.unique_id,
        tuple(dbt.command_line()) if dbt else _words(step, artifacts.folder, order),
        {
            **(dbt.environment() if dbt else os.environ),
            **variables,
            FACTS_VARIABLE: str(facts_file),
        },
        artifacts.folder,
        facts_file,
    )


def _order(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    step: Step,
    variables: tuple[str, ...],
    facts_file: Path,
) -> ImageOrder:
    node = artifacts.by_id[step.unique_id]
    return ImageOrder(
        product=artifacts.product.name,
        step=node.name,
        run_id=request.run_id,
        root_run_id=request.root_run_id or request.run_id,
        attempt=request.attempt,
        image=step.image,
        command=step.command,
        variables=tuple(name for name in variables if name not in _OF_THIS_MACHINE),
        facts_file=str(facts_file),
        timeout_seconds=node.timeout_seconds or artifacts.execution.timeout_seconds or 0,
    )


def _words(step: Step, project_dir: Path, order: ImageOrder) -> tuple[str, ...]:
    if step.image:
        return command_of(order)
    if step.python:
        return (sys.executable, "-m", CALL_FUNCTION, step.python)
    program, *arguments = step.command
    beside_python = shutil.which(program, path=str(Path(sys.executable).parent))
    found = shutil.which(project_dir / program) or beside_python or shutil.which(program)
    if found is None:
        what = f"{step.unique_id}: there is no program {program}; it is looked for in the product's"
        raise EnvironmentProblemError(
            f"{what} folder, beside the Python that runs floe, and on PATH"
        )
    return (found, *arguments)


def _variables(artifacts: CompiledArtifacts, request: BuildRequest, name: str) -> dict[str, str]:
    """Return the variables that describe a run to its step; "" for a value that the run lacks."""
    warehouse = duckdb_file(artifacts.dbt.profile, artifacts.folder)
    return {
        **{key.upper(): str(value) for key, value in run_vars(request).items()},
        PROJECT_DIR_VARIABLE: str(artifacts.folder),
        "FLOE_PRODUCT": artifacts.product.name,
        "FLOE_STEP": name,
        "FLOE_ENV": artifacts.environment,
        "FLOE_TARGET": artifacts.dbt.target_name,
        "FLOE_FULL_REFRESH": "true" if is_full_refresh(artifacts, request) else "",
        "FLOE_EMPTY": "true" if request.parameters.empty else "",
        "FLOE_VARS": json.dumps(
            without_tags({**own_vars(artifacts, request), **request.partition_vars})
        ),
        "FLOE_WAREHOUSE_FILE": str(warehouse or ""),
        # Lines are shown as soon as they are written.
        "PYTHONUNBUFFERED": "1",
    }
