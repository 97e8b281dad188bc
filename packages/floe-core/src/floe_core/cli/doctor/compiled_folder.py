"""Check whether a product's compiled folder can run here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from floe_core.cli.doctor.finding import Finding
from floe_core.dbt.call import find_executable
from floe_core.dbt.library import NO_DBT, library_version
from floe_core.foundation.errors import (
    EnvironmentProblemError,
    InvalidProductError,
    StaleProductError,
    UsageError,
)
from floe_core.schedules import tzdata_version
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.secrets.references import required_names
from floe_core.warehouse.duckdb_file import PROJECT_DIR_VARIABLE
from floe_core.warehouse.outside_values import set_outside_values

SUBJECT = "product"


def load_compiled(folder: Path) -> tuple[CompiledArtifacts | None, list[Finding]]:
    """Return the artifacts of a folder, None if it does not load, and the findings."""
    try:
        return CompiledArtifacts.load(folder), []
    except UsageError as error:
        return None, [
            Finding(SUBJECT, "problem", str(error), "set FLOE_ENV to another, or unset it")
        ]
    except EnvironmentProblemError as error:
        fix = "let this user read the compiled folder, or run `floe compile`"
        return None, [Finding(SUBJECT, "problem", str(error), fix)]
    except InvalidProductError as error:
        return None, findings_in(error)


def findings_in(error: InvalidProductError) -> list[Finding]:
    """Return each problem of a product's files."""
    return [
        Finding(SUBJECT, "problem", f"{problem.file}: {problem.what}", problem.fix)
        for problem in error.problems
    ]


def check_compiled(artifacts: CompiledArtifacts) -> list[Finding]:
    """Return what does not match this machine."""
    checks = (_graph, _dbt, _zones, _schedules, _variables)
    found = [each for check in checks for each in check(artifacts)]
    name = f"{artifacts.product.name} {artifacts.product.version}"
    return found or [Finding(SUBJECT, "ok", f"{name}, compiled for {artifacts.orchestrator.name}")]


def _graph(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    if cycle := artifacts.graph.cycle():
        what = f"{ARTIFACTS_FILE}: nodes form a cycle: {' -> '.join(cycle)}"
        yield Finding(SUBJECT, "problem", what, "run `floe compile` in the product folder")


def _dbt(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    executable, compiled = artifacts.dbt.executable, artifacts.dbt.version
    if executable:
        try:
            find_executable(executable, artifacts.folder)
        except EnvironmentProblemError as error:
            yield Finding(SUBJECT, "problem", str(error), "install it, or name another")
    elif not (installed := library_version()):
        yield Finding(SUBJECT, "problem", *NO_DBT.split(": ", 1))
    elif compiled != installed:
        what = f"compiled with dbt {compiled}, and {installed} is installed"
        yield Finding(SUBJECT, "warning", f"{what}: each run parses the project", "floe compile")


def _zones(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    compiled, here = artifacts.tzdata_version, tzdata_version()
    if compiled and here and compiled != here:
        what = f"compiled with time zones {compiled}, and {here} is installed"
        fix = f"pip install 'tzdata=={compiled[:4]}.*', or floe compile"
        yield Finding(SUBJECT, "warning", what, fix)


def _schedules(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    try:
        with_live_schedules(artifacts)
    except EnvironmentProblemError as error:
        fix = "repair it, or remove it for the schedules of floe.yaml"
        yield Finding(SUBJECT, "problem", str(error), fix)
    except StaleProductError as error:
        for problem in error.problems:
            yield Finding(SUBJECT, "problem", f"{problem.file}: {problem.what}", problem.fix)


def _variables(artifacts: CompiledArtifacts) -> Iterator[Finding]:
    try:
        set_outside_values(artifacts.dbt)
    except EnvironmentProblemError as error:
        fix = "add it where the orchestrator keeps connections, or mount the file"
        yield Finding(SUBJECT, "problem", str(error), fix)
    elsewhere = {PROJECT_DIR_VARIABLE, *artifacts.dbt.value_sources}
    names = {*required_names(str(artifacts.dbt.profile))} - {*elsewhere, *os.environ}
    for name in sorted(names):
        what = f"the dbt profile needs {name}, which is not set here"
        yield Finding(SUBJECT, "problem", what, f"set {name} where runs start")
