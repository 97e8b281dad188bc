"""The Airflow plugin that registers floe's timetable, which Airflow cannot serialise otherwise."""

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from floe_orchestrator_airflow.mirrors import MIRROR_TRIGGER, OUTCOME_TRIGGER
from floe_orchestrator_airflow.mirrors.internals import (
    end_tasks_without_callbacks,
    keep_times_of_nodes,
    start_triggers_without_dags,
)
from floe_orchestrator_airflow.ticks.timetable import FloeTimetable


class FloePlugin(AirflowPlugin):
    """Found by Airflow through the entry point `airflow.plugins`."""

    name = "floe"
    timetables = [FloeTimetable]

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Called by each process of Airflow that loads its plugins."""
        keep_times_of_nodes()
        end_tasks_without_callbacks()
        start_triggers_without_dags(frozenset({MIRROR_TRIGGER, OUTCOME_TRIGGER}))
