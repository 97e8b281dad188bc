"""What a run came to, by Airflow's word, held against what its build wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floe_core.build_events import NodeResult
from floe_core.plugin_powers import RunOptions, RunReport
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.granularity import shown
from floe_orchestrator_airflow.task_ids import BUILD, task_ids


def report_of_run(
    *,
    artifacts: CompiledArtifacts,
    options: RunOptions,
    run_id: str,
    state: str,
    seconds: float,
    results: Mapping[str, NodeResult],
    tasks: Mapping[str, str],
    home: Path,
) -> RunReport:
    """Return the report of a run that Airflow ended as `state`.

    `tasks` maps task id to Airflow's state. Where Airflow and the build contradict each other, the
    run has failed, and the message says in what.
    """
    job = artifacts.job(options.job)
    job_nodes = artifacts.nodes_of(job)
    wanted = options.node_ids or tuple(node.unique_id for node in job_nodes)
    nodes = {
        i: results.get(i) or NodeResult(i, "skipped", message="it did not run") for i in wanted
    }
    contradictions = _of_state(state, nodes)
    if shown(artifacts, job) == "node":
        names = task_ids(job_nodes)
        contradictions += _of_tasks(
            {i: tasks.get(names.get(i, ""), "absent") for i in wanted}, nodes
        )
    explained = any(not result.passed for result in nodes.values())
    return RunReport(
        status="success" if state == "success" and not contradictions else "failed",
        run_id=run_id,
        seconds=seconds,
        nodes=nodes,
        message="; ".join(contradictions) or _unexplained(state, tasks, explained, home),
        look_further=_look_further(home),
    )


def _of_state(state: str, nodes: Mapping[str, NodeResult]) -> list[str]:
    failed = sorted(i for i, result in nodes.items() if not result.passed)
    if state == "success" and failed:
        return [f"Airflow calls the run a success, but these did not pass: {', '.join(failed)}"]
    return []


def _of_tasks(tasks: Mapping[str, str], nodes: Mapping[str, NodeResult]) -> list[str]:
    """Return where the state of a node's task is not what the build said of the node."""
    return [
        f"{node_id} ended as {nodes[node_id].status}, but Airflow has its task as {state or 'none'}"
        for node_id, state in tasks.items()
        if state != _expected(nodes[node_id])
    ]


def _expected(result: NodeResult) -> str:
    if result.passed:
        return "success"
    return "skipped" if result.status == "skipped" else "failed"


def _unexplained(state: str, tasks: Mapping[str, str], explained: bool, home: Path) -> str:
    """Return why a run failed when no node tells."""
    if state == "success" or explained:
        return ""
    failed = sorted(task_id for task_id, end in tasks.items() if end == "failed")
    what = f"failed tasks: {', '.join(failed)}" if failed else "no task failed"
    return f"the run failed though no node did ({what}); see the log of {BUILD} in {home / 'logs'}"


def _look_further(home: Path) -> list[str]:
    return [
        f"Airflow's task logs: {home / 'logs'}",
        f"what its services printed: {home}/output.log",
    ]
