"""How a run ended according to Dagster's instance, and whether its events agree with dbt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dagster import AssetCheckKey, AssetKey, DagsterEventType, DagsterInstance, DagsterRunStatus

from floe_core.plugin_api.launched_run.run_order import RunEnd
from floe_core.plugin_api.powers import RunStatus
from floe_core.runs.build_events import NodeResult
from floe_orchestrator_dagster.alerts import failure_message
from floe_orchestrator_dagster.names.asset_map import AssetMap
from floe_orchestrator_dagster.step.node_results import check_result

_STATUSES: Mapping[DagsterRunStatus, RunStatus] = {
    DagsterRunStatus.SUCCESS: "success",
    DagsterRunStatus.CANCELED: "canceled",
}


def end_of(
    instance: DagsterInstance, run_id: str, results: Mapping[str, NodeResult], asset_map: AssetMap
) -> RunEnd:
    """Return the end of a run. If Dagster and dbt disagree, the run counts as failed."""
    record = instance.get_run_record_by_id(run_id)
    assert record is not None
    status = _STATUSES.get(record.dagster_run.status, "failed")
    seconds = (record.end_time or 0.0) - (record.start_time or record.end_time or 0.0)
    contradictions = [*_contradictions(instance, run_id, results, asset_map)]
    if status == "success" and not all(result.passed for result in results.values()):
        contradictions.append("Dagster has the run as a success, but not every node passed")
    if contradictions:
        disagreement = "Dagster and dbt disagree: " + "; ".join(contradictions)
        return RunEnd("failed", run_id, seconds, disagreement)
    message = "" if status == "success" else failure_message(instance, run_id)
    return RunEnd(status, run_id, seconds, message)


def _contradictions(
    instance: DagsterInstance, run_id: str, results: Mapping[str, NodeResult], asset_map: AssetMap
) -> Iterable[str]:
    built = _materialized(instance, run_id)
    built_by_dbt = {
        (key, partition)
        for result in results.values()
        for partition in _built_partitions(result)
        for key in asset_map.built_keys.get(result.unique_id, ())
    }
    for key, partition in sorted(built ^ built_by_dbt):
        where = "Dagster alone" if (key, partition) in built else "dbt alone"
        what = f"{partition} of {key.to_user_string()}" if partition else key.to_user_string()
        yield f"{what} was built according to {where}"
    evaluated = _evaluations(instance, run_id)
    expected = _expected_checks(results, asset_map)
    for check in sorted({*evaluated, *expected}, key=str):
        if evaluated.get(check) != expected.get(check):
            yield f"the check {check.to_user_string()} has another outcome"


def _materialized(instance: DagsterInstance, run_id: str) -> set[tuple[AssetKey, str]]:
    """Return the assets that were built, each with its partition, "" for none.

    In a run without partitions of Dagster's own, an output of a partitioned asset has none, beside
    the partitions that the run has logged.
    """
    entries = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_MATERIALIZATION)
    events = (entry.dagster_event for entry in entries)
    built = [(e.asset_key, e.partition or "") for e in events if e is not None and e.asset_key]
    partitioned = {key for key, partition in built if partition}
    return {(key, partition) for key, partition in built if partition or key not in partitioned}


def _built_partitions(result: NodeResult) -> tuple[str, ...]:
    """Return the partitions that were built of a node; ("",) for a node that has none."""
    if not result.partitions:
        return ("",) if result.status == "success" else ()
    return tuple(key for key, status in result.partitions if status == "success")


def _evaluations(instance: DagsterInstance, run_id: str) -> dict[AssetCheckKey, tuple[bool, str]]:
    """Return check key -> (whether it passed, its severity), from each check's last evaluation."""
    entries = instance.all_logs(run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    found = {}
    for entry in entries:
        event = entry.dagster_event
        if event is not None:
            evaluation = event.asset_check_evaluation_data
            found[evaluation.asset_check_key] = (evaluation.passed, evaluation.severity.value)
    return found


def _expected_checks(
    results: Mapping[str, NodeResult], asset_map: AssetMap
) -> dict[AssetCheckKey, tuple[bool, str]]:
    expected = {}
    for result in results.values():
        key = asset_map.check_keys.get(result.unique_id)
        if key is not None and result.status not in ("skipped", "reused"):
            outcome = check_result(result, key)
            expected[key] = (bool(outcome.passed), outcome.severity.value)
    return expected
