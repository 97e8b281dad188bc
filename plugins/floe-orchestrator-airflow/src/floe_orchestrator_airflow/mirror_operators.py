"""The tasks that show a run's nodes while one build task builds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import StartTriggerArgs

from floe_orchestrator_airflow.nodes_operator import FloeNodesOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

_TRIGGERS = "floe_orchestrator_airflow.mirror_triggers"


class MirrorOperator(FloeNodesOperator):
    """Nodes in the graph, started and ended in the triggerer; run on a worker when cleared."""

    start_from_trigger = True

    def __init__(self, *, node_ids: list[str], kind: str, **kwargs: Any) -> None:
        super().__init__(node_ids=node_ids, trigger_rule="always", retries=0, **kwargs)
        self.kind = kind
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{_TRIGGERS}.MirrorTrigger",
            next_method="run_nodes",
            trigger_kwargs={"node_ids": node_ids},
        )

    @property
    def operator_name(self) -> str:
        """What the web page calls this task: the dbt resource it stands for."""
        return self.kind

    def run_nodes(self, context: Context, event: Any = None) -> None:
        """Build the nodes, as the trigger asked."""
        self.execute(context)


class OutcomeOperator(BaseOperator):
    """The last task of a run with mirrors: as good as the worst node."""

    custom_operator_name = "floe outcome"
    ui_color = "#cfd8dc"
    start_from_trigger = True

    def __init__(self, *, mirrors: dict[str, str], **kwargs: Any) -> None:
        super().__init__(trigger_rule="always", retries=0, **kwargs)
        self.start_trigger_args = StartTriggerArgs(
            trigger_cls=f"{_TRIGGERS}.OutcomeTrigger",
            next_method="execute",
            trigger_kwargs={"mirrors": mirrors},
        )

    def execute(self, context: Context) -> None:
        """Fail: this task is decided in the triggerer and never comes to a worker by design."""
        raise AirflowFailException("the outcome is decided in the triggerer, which did not do it")
