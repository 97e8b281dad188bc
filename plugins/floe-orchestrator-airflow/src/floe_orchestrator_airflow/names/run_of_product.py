"""The id of an Airflow run in floe's own records, its parameters and what started it.

`floe run` uses this module too, without importing Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from floe_core.ports.decision import period_in, updates_in
from floe_core.runs.run_parameters import RunParameters, TimeRange
from floe_orchestrator_airflow.names.airflow_names import BUILD

if TYPE_CHECKING:
    from airflow.sdk import Asset, Context

Updates = tuple[tuple[str, int], ...]

RANGE_START_PARAM, RANGE_END_PARAM = "range_start", "range_end"
NODE_IDS_PARAM, PARTITIONS_PARAM = "node_ids", "partitions"


def run_name(dag_id: str, run_id: str, build_task_id: str = BUILD) -> str:
    """Return the id of a run among all runs of a product.

    Two of its DAGs may have the same run id, and a team's own DAG may have several groups of one
    product.
    """
    group = build_task_id.removesuffix(BUILD).rstrip(".")
    return "__".join([dag_id, run_id, *([group] if group else [])])


def build_run_id(context: Context, build_task_id: str) -> str:
    """Return the id that the tasks of a build share in a DAG run."""
    ti = context["ti"]
    return run_name(ti.dag_id, ti.run_id, build_task_id)


def params_of_run(context: Context, build_task_id: str) -> Mapping[str, Any]:
    """Return the run's params for the product, which only the product's own DAG has.

    The params of a team's DAG belong to the team, whatever their names.
    """
    return context["params"] if build_task_id == BUILD else {}


def range_of_run(context: Context, build_task_id: str) -> TimeRange | None:
    """Return the range that the run covers, None for no range.

    Raises:
        AirflowFailException: Only half of the range is given, or it is invalid.
    """
    params = params_of_run(context, build_task_id)
    start, end = (params.get(name) for name in (RANGE_START_PARAM, RANGE_END_PARAM))
    if not (start or end):
        return None
    try:
        return TimeRange.parse(str(start or ""), str(end or ""))
    except ValueError as error:
        from floe_orchestrator_airflow.names.airflow_exceptions import AirflowFailException

        what = f"{RANGE_START_PARAM} and {RANGE_END_PARAM} must be ISO times: {error}"
        raise AirflowFailException(what) from None


def parameters_of_run(context: Context, build_task_id: str) -> RunParameters:
    """Return floe's parameters of the run.

    Raises:
        AirflowFailException: A parameter is invalid.
    """
    params = {**params_of_run(context, build_task_id)}
    if not params.get(PARTITIONS_PARAM):
        params[PARTITIONS_PARAM] = _key_by_hand(context) or _periods_of_updates(context)
    try:
        return RunParameters.given(params)
    except ValueError as error:
        from floe_orchestrator_airflow.names.airflow_exceptions import AirflowFailException

        raise AirflowFailException(f"the parameters of the run: {error}") from None


def _key_by_hand(context: Context) -> str:
    """Return the partition key that a run was started with by hand, "" for none.

    The key of a scheduled run is that of the newest partition of its tick, which may build more.
    """
    run = context["dag_run"]
    kind = getattr(run.run_type, "value", run.run_type)
    return str(getattr(run, "partition_key", None) or "") if kind == "manual" else ""


def _periods_of_updates(context: Context) -> str:
    """Return the partitions that updates of ports started the run for, "" for none."""
    run = context["dag_run"]
    if getattr(run.run_type, "value", run.run_type) != "asset_triggered":
        return ""
    events = chain.from_iterable(context["triggering_asset_events"].values())
    payloads = (str((event.extra or {}).get("payload", "")) for event in events)
    return ",".join(sorted(set(filter(None, map(period_in, payloads)))))


def nominal_time(context: Context) -> datetime | None:
    """Return the tick or the logical date of the run, in UTC; None if it has neither."""
    logical_date = context["dag_run"].logical_date
    return None if logical_date is None else logical_date.astimezone(UTC)


def updates_of_run(context: Context, asset: Asset) -> Updates:
    """Return each port, with the number of its last update, in the events of this asset.

    () for a run started by hand, by its timetable or by other assets.
    """
    events = context["triggering_asset_events"]
    found: dict[str, int] = {}
    for event in events.get(asset, ()):
        for port, number in updates_in(str(event.extra.get("payload", ""))).items():
            found[port] = max(number, found.get(port, 0))
    return tuple(sorted(found.items()))
