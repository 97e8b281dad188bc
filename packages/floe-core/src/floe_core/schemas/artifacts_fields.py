"""What a compiled product consists of, and what can be looked up in it."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pydantic import PrivateAttr

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node, Step
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import (
    AlertRule,
    DbtFiles,
    DbtProject,
    ExecutionPolicy,
    Job,
    LineageSettings,
    Schedule,
    TracingSettings,
)
from floe_core.schemas.ports import InputPort, Port
from floe_core.schemas.resources import ResourceSpec


class EnvironmentValues(Frozen):
    """The values of one environment, each only if it differs from the compiled product's own.

    `target_name` is dbt's target, "" for the product's, and `profile` its output, secrets as
    `env_var()` only, with `value_sources` as of `DbtProject`. `vars` override the product's.
    `schedules` is job name -> schedule. `nodes` is node id -> field -> value, such as the schema
    that dbt gives the node in this target. `triggers_enabled` is None if updates of ports start
    jobs as they do elsewhere; if it is False, deadlines are off as well.
    """

    target_name: str = ""
    profile: dict[str, Any] = {}
    value_sources: dict[str, str] = {}
    vars: dict[str, Any] = {}
    max_parallel: int | None = None
    lineage_namespace: str = ""
    schedules: dict[str, Schedule] = {}
    triggers_enabled: bool | None = None
    resources: dict[str, ResourceSpec] = {}
    nodes: dict[str, dict[str, Any]] = {}


SCHEMA_VERSION = "1.0"
ARTIFACTS_FILE = "compiled_artifacts.json"
DBT_MANIFEST_FILE = "target/manifest.json"


class Product(Frozen):
    """The product's identity, from `metadata` of floe.yaml."""

    name: str
    version: str
    owner: str = ""
    description: str = ""
    labels: dict[str, str] = {}


class OrchestratorChoice(Frozen):
    """`plugins.orchestrator` of the manifest."""

    name: str
    config: dict[str, Any] = {}


class ArtifactsFields(Frozen):
    """The fields of compiled artifacts. See `CompiledArtifacts`, which can also be loaded."""

    schema_version: str = SCHEMA_VERSION
    product: Product
    orchestrator: OrchestratorChoice
    dbt: DbtProject
    nodes: tuple[Node, ...]
    jobs: tuple[Job, ...]
    steps: tuple[Step, ...] = ()
    partitions: Partitions | None = None
    execution: ExecutionPolicy = ExecutionPolicy()
    lineage: LineageSettings = LineageSettings()
    tracing: TracingSettings = TracingSettings()
    alerts: tuple[AlertRule, ...] = ()
    dbt_files: DbtFiles | None = None
    resources: dict[str, ResourceSpec] = {}
    ports: tuple[Port, ...] = ()
    input_ports: tuple[InputPort, ...] = ()
    ledger: str = ""
    dbt_manifest_sha256: str = ""
    tzdata_version: str = ""
    environments: dict[str, EnvironmentValues] = {}
    environment: str = ""

    _project_dir: Path | None = PrivateAttr(default=None)

    def partitions_of(self, job: Job) -> Partitions | None:
        """Return the partitions of the product if a job builds nodes by partition, else None."""
        declared = self.partitions
        if declared is None or declared.members.isdisjoint(n.unique_id for n in self.nodes_of(job)):
            return None
        return declared

    @property
    def project_dir(self) -> Path | None:
        """The absolute folder that this was loaded from or compiled into, None if there is none."""
        return self._project_dir

    @property
    def folder(self) -> Path:
        """The same folder, for code that cannot do without one.

        Raises:
            UsageError: These artifacts come from no folder.
        """
        from floe_core.foundation.errors import UsageError

        if self._project_dir is None:
            what = "these artifacts come from no folder; use CompiledArtifacts.load(folder)"
            raise UsageError(what)
        return self._project_dir

    @cached_property
    def by_id(self) -> dict[str, Node]:
        """Node id -> node."""
        return {node.unique_id: node for node in self.nodes}

    @cached_property
    def graph(self) -> NodeGraph:
        """The edges between all nodes, sources and tests included."""
        return NodeGraph(self.nodes)

    @cached_property
    def runnable(self) -> tuple[Node, ...]:
        """The nodes that a run executes, in the order of their ids."""
        return tuple(node for node in self.nodes if node.is_runnable)

    @cached_property
    def built(self) -> tuple[Node, ...]:
        """The nodes that `dbt build` knows, in the order of their ids."""
        return tuple(n for n in self.runnable if not (n.is_step or n.is_freshness))

    @cached_property
    def steps_by_id(self) -> dict[str, Step]:
        """Node id -> the process of each step."""
        return {step.unique_id: step for step in self.steps}

    @cached_property
    def ports_read(self) -> dict[str, InputPort]:
        """Node id -> port of another product, for the ports that dbt nodes can read."""
        return {port.node_id: port for port in self.input_ports if port.node_id}

    @cached_property
    def retries(self) -> int:
        """How often a build may be retried: the highest number that any node allows."""
        own = [node.retries for node in self.runnable if node.retries is not None]
        return max([self.execution.retries, *own])

    def job(self, name: str) -> Job:
        """Return the job of that name.

        Raises:
            UsageError: There is none; the error lists the names that exist.
        """
        from floe_core.foundation.errors import UsageError

        for job in self.jobs:
            if job.name == name:
                return job
        names = ", ".join(job.name for job in self.jobs)
        raise UsageError(f"{self.product.name} has no job '{name}'; its jobs are {names}")

    def pool_of(self, job: Job) -> str:
        """Return the pool in which a build of a job takes a slot, "" for none."""
        return job.pool or self.execution.pool

    def for_job(self, name: str) -> Self:
        """Return these artifacts with what a job says of `execution`, for its builds.

        Raises:
            UsageError: There is no such job.
        """
        tests = self.job(name).tests
        if tests in (None, self.execution.tests):
            return self
        execution = self.execution.model_copy(update={"tests": tests})
        return self.model_copy(update={"execution": execution})

    @property
    def tests_last(self) -> bool:
        """Whether tests run once everything else is built, and hold back nothing."""
        return self.execution.tests == "after_all"

    @property
    def pools_of_builds(self) -> tuple[str, ...]:
        """The pools in which builds of the product's jobs take a slot, sorted."""
        return tuple(sorted({self.pool_of(job) for job in self.jobs} - {""}))

    @cached_property
    def pools_of_nodes(self) -> dict[str, str]:
        """Node id -> pool, for the nodes that take a slot in a pool while they run."""
        return {node.unique_id: node.pool for node in self.runnable if node.pool}

    @property
    def pools(self) -> tuple[str, ...]:
        """All pools in which builds or nodes take slots, sorted."""
        return tuple(sorted({*self.pools_of_builds, *self.pools_of_nodes.values()}))

    def nodes_of(self, job: Job) -> tuple[Node, ...]:
        """Return the runnable nodes of a job, in the order of their ids."""
        if job.node_ids is None:
            return self.runnable
        return tuple(self.by_id[node_id] for node_id in job.node_ids)

    def bound_to(self, project_dir: Path) -> Self:
        """Return these artifacts, bound to the compiled folder that they belong to."""
        bound = self.model_copy()
        bound._project_dir = project_dir.absolute()
        return bound

    def to_json(self) -> str:
        """Return the canonical text: sorted keys, defaults left out, one line, a newline."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        fields["schema_version"] = self.schema_version
        text = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text + "\n"
