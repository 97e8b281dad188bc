"""The task that builds some nodes of a product on a worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from floe_core.execution import RunRecord, failure_of
from floe_core.runs.build_events import BuildEnded, NodeLog, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_exceptions import AirflowFailException
from floe_orchestrator_airflow.names.airflow_names import BUILD
from floe_orchestrator_airflow.names.product_assets import built_assets
from floe_orchestrator_airflow.names.run_of_product import (
    build_run_id,
    nominal_time,
    parameters_of_run,
    range_of_run,
)
from floe_orchestrator_airflow.task.lineage_of_task import EmitsNoDatasets, below_task
from floe_orchestrator_airflow.task.node_log import level_of, summary
from floe_orchestrator_airflow.task.result_facts import asset_event_facts
from floe_orchestrator_airflow.task.task_end import end_with_supervisor, error_of

if TYPE_CHECKING:
    from airflow.sdk import Context


class FloeNodesOperator(EmitsNoDatasets, BaseOperator):
    """Builds nodes of a product, given by their ids, in one `dbt build`.

    The product is in `project_dir`, by default the folder of the DAG's file. `job` is by default
    the first job of the product.
    """

    build_task_id = BUILD
    custom_operator_name = "dbt nodes"
    ui_color = "#ffccbc"

    def __init__(
        self,
        *,
        node_ids: Sequence[str],
        project_dir: Path | None = None,
        job: str = "",
        sends_alerts: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.node_ids = list(node_ids)
        self.project_dir = project_dir
        self.job = job
        self.sends_alerts = sends_alerts
        self._is_building = False

    def execute(self, context: Context) -> None:
        """Build the nodes; fail unless all pass."""
        artifacts = CompiledArtifacts.load(self._product_folder())
        self.build_nodes(artifacts, tuple(self.node_ids), context)

    def build_nodes(
        self, artifacts: CompiledArtifacts, node_ids: tuple[str, ...], context: Context
    ) -> None:
        """Build the nodes and emit their asset events; fail unless all pass.

        A failure is retried, unless it consists only of failed tests and the nodes they block.
        """
        results, problem = self._build(artifacts, node_ids, context)
        has_passed = all(i in results and results[i].passed for i in node_ids)
        if not has_passed or problem:
            # This task's own retries apply, whatever a node's policy says.
            raise error_of(failure_of(artifacts, node_ids, RunRecord(results), problem))
        self._publish(artifacts, node_ids, results, context)

    def on_kill(self) -> None:
        """Stop dbt: called by Airflow in the main thread, which receives the build's events."""
        if self._is_building:
            raise SystemExit("the build was stopped by Airflow")

    def _product_folder(self) -> Path:
        if self.project_dir is not None:
            return Path(self.project_dir)
        folder = Path(self.dag.fileloc).resolve().parent
        if not (folder / ARTIFACTS_FILE).is_file():
            raise AirflowFailException(
                f"task {self.task_id} does not know its product: set its project_dir to a compiled "
                f"folder, or put the DAG's file into one ({folder} has no {ARTIFACTS_FILE})"
            )
        return folder

    def _build(
        self, artifacts: CompiledArtifacts, node_ids: tuple[str, ...], context: Context
    ) -> tuple[Mapping[str, NodeResult], str]:
        """Return the results by node id, and the problem reported at the end."""
        from floe_core.execution import build

        request = BuildRequest(
            job=self.job or artifacts.jobs[0].name,
            run_id=build_run_id(context, self.build_task_id),
            node_ids=node_ids,
            attempt=context["ti"].try_number,
            nominal_time=nominal_time(context),
            resume=False,
            range=range_of_run(context, self.build_task_id),
            parameters=parameters_of_run(context, self.build_task_id).without_selection(),
            # A task that names its nodes always builds them.
            may_reuse=False,
            adds_enabled=False,
            sends_alerts=self.sends_alerts,
        )
        results: dict[str, NodeResult] = {}
        problem = "the build ended without a result"
        self._is_building = True
        end_with_supervisor()
        try:
            with (
                below_task(self, context["ti"], artifacts),
                closing(build(artifacts, request)) as events,
            ):
                for event in events:
                    if isinstance(event, NodeLog):
                        self.log.log(level_of(event), "%s", event.text)
                    elif isinstance(event, NodeResult):
                        results[event.unique_id] = event
                    elif isinstance(event, BuildEnded):
                        problem = event.message
        finally:
            self._is_building = False
        return results, problem

    def _publish(
        self,
        artifacts: CompiledArtifacts,
        node_ids: tuple[str, ...],
        results: Mapping[str, NodeResult],
        context: Context,
    ) -> None:
        self.outlets[:] = []
        for node in (artifacts.by_id[i] for i in node_ids):
            result = results[node.unique_id]
            self.log.info("%s", summary(result))
            for asset in built_assets(artifacts, node) if result.is_new else ():
                self.outlets.append(asset)
                context["outlet_events"][asset].extra = asset_event_facts(node, result)


class FloeNodeOperator(FloeNodesOperator):
    """Builds one node, given by its id or its name. See `FloeNodesOperator` for the rest."""

    custom_operator_name = "dbt node"

    def __init__(self, *, node: str, **kwargs: Any) -> None:
        super().__init__(node_ids=[node], **kwargs)
        self.node = node

    def execute(self, context: Context) -> None:
        """Build the node; fail unless it passes."""
        artifacts = CompiledArtifacts.load(self._product_folder())
        self.build_nodes(artifacts, (self._find(artifacts),), context)

    def _find(self, artifacts: CompiledArtifacts) -> str:
        found = [n.unique_id for n in artifacts.runnable if self.node in (n.unique_id, n.name)]
        if len(found) != 1:
            how_many = "no node" if not found else f"{len(found)} nodes"
            raise AirflowFailException(f"{artifacts.product.name} has {how_many} '{self.node}'")
        return found[0]
