"""The tasks that show a run's nodes while one build task builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.triggers.base import StartTriggerArgs

from floe_orchestrator_airflow.mirrors import MIRROR_TRIGGER, OUTCOME_TRIGGER
from floe_orchestrator_airflow.names.airflow_exceptions import AirflowFailException
from floe_orchestrator_airflow.names.airflow_names import BUILD
from floe_orchestrator_airflow.task.nodes_operator import FloeNodesOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

# Arguments that the `default_args` of a team's DAG must not change: these tasks wait from the start
# to the end of the run, and show the result of the build, which does the retries.
NOT_OF_DEFAULTS: dict[str, Any] = {
    "trigger_rule": "always",
    "retries": 0,
    "execution_timeout": None,
    "depends_on_past": False,
    "wait_for_downstream": False,
}


class MirrorOperator(FloeNodesOperator):
    """Nodes in the graph, started and ended in the triggerer; run on a worker when cleared."""

    start_from_trigger = True

    def __init__(
        self, *, node_ids: list[str], build_task_id: str, kind: str, **kwargs: Any
    ) -> None:
        super().__init__(node_ids=node_ids, **NOT_OF_DEFAULTS, **kwargs)
        self.build_task_id = build_task_id
        self.kind = kind
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=MIRROR_TRIGGER,
            next_method="run_nodes",
            trigger_kwargs={"node_ids": node_ids, **_build_of(build_task_id)},
        )

    @property
    def operator_name(self) -> str:
        """The task's type in the UI: the dbt resource type that it stands for."""
        return self.kind

    def run_nodes(self, context: Context, event: Any = None) -> None:
        """Build the nodes on this worker, as the trigger requested."""
        self.execute(context)


class OutcomeOperator(BaseOperator):
    """The last task of a run with mirrors: it succeeds only if every node did."""

    custom_operator_name = "floe outcome"
    ui_color = "#cfd8dc"
    start_from_trigger = True

    def __init__(self, *, mirrors: dict[str, str], build_task_id: str, **kwargs: Any) -> None:
        super().__init__(**NOT_OF_DEFAULTS, **kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=OUTCOME_TRIGGER,
            next_method="execute",
            trigger_kwargs={"mirrors": mirrors, **_build_of(build_task_id)},
        )

    def execute(self, context: Context) -> None:
        """Fail: this task ends in the triggerer and by design never runs on a worker."""
        raise AirflowFailException("the triggerer decides the outcome, and did not")


def _build_of(task_id: str) -> dict[str, str]:
    """Return the argument that names the build task, none if it has its usual name.

    Every trigger includes the arguments of all other triggers of its DAG.
    """
    return {} if task_id == BUILD else {"build_task_id": task_id}
