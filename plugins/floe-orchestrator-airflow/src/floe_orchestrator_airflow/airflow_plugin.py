"""What floe registers with Airflow itself: without it a timetable of ours is not serialised."""

from airflow.plugins_manager import AirflowPlugin

from floe_orchestrator_airflow.timetable import FloeTimetable


class FloePlugin(AirflowPlugin):
    """Found by Airflow through the entry point `airflow.plugins`."""

    name = "floe"
    timetables = [FloeTimetable]
