"""The task that builds one node of a product on a worker."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from floe_core.build_events import NodeLog, NodeResult
from floe_core.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_orchestrator_airflow.node_assets import asset_event_facts, node_asset
from floe_orchestrator_airflow.node_log import level_of, summary
from floe_orchestrator_airflow.run_of_product import build_run_id, nominal_time

if TYPE_CHECKING:
    from airflow.sdk import Context


class FloeNodeOperator(BaseOperator):
    """Builds one node, called by its id or its name.

    The product is in `project_dir`; without one, in the folder of the DAG's file. `job` is the
    first of the product unless given.
    """

    custom_operator_name = "dbt node"
    ui_color = "#ffccbc"

    def __init__(
        self, *, node: str, project_dir: Path | None = None, job: str = "", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.node = node
        self.project_dir = project_dir
        self.job = job
        self._is_building = False

    def execute(self, context: Context) -> None:
        """Build the node; fail unless it passes."""
        artifacts = CompiledArtifacts.load(self._product_folder())
        node = self._find(artifacts)
        result, problem = self._build(artifacts, node, context)
        if result is not None and result.passed:
            self._publish(artifacts, node, result, context)
        elif result is not None and result.status == "fail":
            raise AirflowFailException(f"{summary(result)}. A failed test is not retried.")
        else:
            raise AirflowException(problem if result is None else summary(result))

    def on_kill(self) -> None:
        """Stop dbt: called by Airflow in the main thread, where the build is being heard."""
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

    def _find(self, artifacts: CompiledArtifacts) -> Node:
        found = [n for n in artifacts.runnable if self.node in (n.unique_id, n.name)]
        if len(found) != 1:
            how_many = "no node" if not found else f"{len(found)} nodes"
            raise AirflowFailException(f"{artifacts.product.name} has {how_many} '{self.node}'")
        return found[0]

    def _build(
        self, artifacts: CompiledArtifacts, node: Node, context: Context
    ) -> tuple[NodeResult | None, str]:
        """Return the node's result, and why there is none."""
        from floe_core.execution.build import build

        request = BuildRequest(
            job=self.job or artifacts.jobs[0].name,
            run_id=build_run_id(context),
            node_ids=(node.unique_id,),
            attempt=context["ti"].try_number,
            nominal_time=nominal_time(context),
            resume=False,
        )
        result, problem = None, "dbt gave no result"
        self._is_building = True
        try:
            with closing(build(artifacts, request)) as events:
                for event in events:
                    if isinstance(event, NodeLog):
                        self.log.log(level_of(event), "%s", event.text)
                    elif isinstance(event, NodeResult) and event.unique_id == node.unique_id:
                        result, problem = event, event.message
        finally:
            self._is_building = False
        return result, problem

    def _publish(
        self, artifacts: CompiledArtifacts, node: Node, result: NodeResult, context: Context
    ) -> None:
        self.log.info("%s", summary(result))
        if node.is_relation:
            asset = node_asset(artifacts, node)
            self.outlets[:] = [asset]
            context["outlet_events"][asset].extra = asset_event_facts(result)
