"""Let dbt parse a product, and resolve the contents of floe.yaml against its graph."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from floe_core.compiler.dbt.complaints import MissingPackagesError
from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.dbt.parse import Dbt, ParsedProject, open_dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.environments import (
    CompiledBase,
    ResolvedEnvironments,
    resolve_environments,
)
from floe_core.compiler.jobs.resolve_jobs import (
    ResolvedJobs,
    default_selector,
    resolve_jobs,
    with_triggers,
)
from floe_core.compiler.nodes.node_policies import check_pools, with_policies
from floe_core.compiler.nodes.refine import add_freshness, refine
from floe_core.compiler.nodes.steps import add_steps
from floe_core.compiler.partitions.resolve import resolve_partitions
from floe_core.compiler.ports.resolve_ports import PortReader
from floe_core.compiler.profile import Profile
from floe_core.dbt.ask import install_packages
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.stages import begin_stage
from floe_core.schemas.nodes import Node, Step
from floe_core.schemas.partitions import Partitions

_PREFIX = "floe-compile-"
_ABANDONED_SECONDS = 86_400


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a new folder, and remove old ones that killed compiles left.

    Raises:
        EnvironmentProblemError: There is no place for temporary files.
    """
    try:
        place = Path(tempfile.gettempdir())
        for folder in place.glob(f"{_PREFIX}*"):
            _remove_if_abandoned(folder)
        return tempfile.TemporaryDirectory(prefix=_PREFIX)
    except OSError as error:
        what = f"no temporary folder to work in: {error.strerror}; set TMPDIR to one"
        raise EnvironmentProblemError(what) from error


def _remove_if_abandoned(folder: Path) -> None:
    with suppress(FileNotFoundError):
        found = folder.lstat()
        is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if is_own and time.time() - found.st_mtime > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class ResolvedProduct:
    """The project as parsed by dbt, and what floe resolved from it."""

    parsed: ParsedProject
    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]
    jobs: ResolvedJobs
    environments: ResolvedEnvironments
    ports: PortReader
    partitions: Partitions | None


def resolve_product(
    inputs: Inputs,
    profile: Profile,
    change_profile: Callable[[Profile], Profile],
    findings: Findings,
    *,
    allows_missing: bool,
) -> ResolvedProduct:
    """Return the parsed project as nodes, jobs, ports and environments.

    Raises:
        InvalidProductError: The product has problems; it lists all of them.
        EnvironmentProblemError: No working folder can be created.
    """
    ports = PortReader(inputs, allows_missing, findings)
    with work_folder() as work:
        ports.write_for_dbt(Path(work))
        open_project = partial(open_dbt, inputs.product_dir, inputs.spec.execution.dbt_executable)
        dbt = open_project(profile, inputs.spec.vars, Path(work))
        parsed = _parse(dbt, inputs, findings)
        for warning in parsed.warnings:
            findings.notice(f"dbt: {warning}")
        dbt_vars = inputs.dbt_vars(inputs.spec.vars)
        nodes = nodes_in(parsed.manifest, inputs.product_dir, dbt_vars, reads_texts=inputs.reuses)
        nodes = ports.resolve(nodes, parsed.manifest, profile)
        nodes = with_policies(refine(nodes, inputs, findings), inputs, findings)
        policy = inputs.spec.execution.freshness
        graph = add_steps(add_freshness(nodes, parsed.manifest, policy), inputs, findings)
        check_pools(graph.nodes, inputs, findings)
        jobs = resolve_jobs(inputs, nodes, graph, dbt, default_selector(parsed.manifest), findings)
        partitions = resolve_partitions(inputs, parsed.manifest, graph, jobs.jobs, dbt, findings)
        jobs = with_triggers(jobs, ports.read, inputs, graph.nodes, partitions, findings)
        environments = resolve_environments(
            inputs,
            CompiledBase(profile, nodes, jobs.jobs),
            open_project,
            change_profile,
            Path(work),
            findings,
        )
    return ResolvedProduct(parsed, graph.nodes, graph.steps, jobs, environments, ports, partitions)


def _parse(dbt: Dbt, inputs: Inputs, findings: Findings) -> ParsedProject:
    """Return the parsed project, whose missing packages are installed first."""
    begin_stage("dbt parses the project")
    try:
        return dbt.parse()
    except MissingPackagesError:
        begin_stage("dbt installs the project's packages")
        install_packages(inputs.spec.execution.dbt_executable or "", inputs.product_dir)
        findings.notice("`dbt deps` installed the packages that the project names")
        return dbt.parse()
