"""The result of a run, from Airflow's states checked against the build's own records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from glob import escape
from pathlib import Path

from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import CULPRITS, NodeResult, failure_text
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.mirrors.node_mirrors import Mirror, mirrors
from floe_orchestrator_airflow.names.airflow_names import BUILD


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
    problem: str = "",
) -> RunReport:
    """Return the report of a run that Airflow ended as `state`.

    `tasks` maps task id to Airflow's state; `problem` is the message with which the build ended. If
    Airflow and the build contradict each other, the run counts as failed, and the message says how.
    """
    of_job = artifacts.nodes_of(artifacts.job(options.job))
    wanted = options.node_ids or tuple(node.unique_id for node in of_job)
    nodes = {
        i: results.get(i) or NodeResult(i, "skipped", message="it did not run") for i in wanted
    }
    contradictions = _of_state(state, nodes)
    contradictions += _of_tasks(tasks, mirrors(artifacts.execution, of_job), nodes)
    has_culprit = any(result.status in CULPRITS for result in nodes.values())
    causes = failure_text(nodes.values(), problem) if has_culprit else ""
    return RunReport(
        status="success" if state == "success" and not contradictions else "failed",
        run_id=run_id,
        seconds=seconds,
        nodes=nodes,
        message="; ".join(contradictions)
        or causes
        or _explain_failure(state, tasks, problem or error_in_log(home, run_id), home),
        look_further=_look_further(home),
    )


def _of_state(state: str, nodes: Mapping[str, NodeResult]) -> list[str]:
    failed = sorted(i for i, result in nodes.items() if not result.passed)
    if state == "success" and failed:
        return [f"Airflow calls the run a success, but these did not pass: {', '.join(failed)}"]
    return []


def _of_tasks(
    tasks: Mapping[str, str], mirrors: Sequence[Mirror], nodes: Mapping[str, NodeResult]
) -> list[str]:
    """Return where a task's state differs from the build's results of the nodes it shows."""
    found = []
    for mirror in mirrors:
        results = [nodes[i] for i in mirror.node_ids if i in nodes]
        state = tasks.get(mirror.task_id, "absent")
        if results and state != _expected_state(results):
            ends = ", ".join(f"{result.unique_id} ended as {result.status}" for result in results)
            found.append(f"{ends}, but Airflow has its task as {state or 'none'}")
    return found


def _expected_state(results: Sequence[NodeResult]) -> str:
    if all(result.is_disabled for result in results):
        return "skipped"
    bad = [result for result in results if not result.passed]
    if not bad:
        return "success"
    return "skipped" if all(result.status == "skipped" for result in bad) else "failed"


def _explain_failure(state: str, tasks: Mapping[str, str], problem: str, home: Path) -> str:
    """Return why a run failed when no node did."""
    if state == "success":
        return ""
    if problem:
        return problem
    failed = sorted(task_id for task_id, end in tasks.items() if end == "failed")
    what = f"failed tasks: {', '.join(failed)}" if failed else "no task failed"
    return f"the run failed though no node did ({what}); see the log of {BUILD} in {home / 'logs'}"


def error_in_log(home: Path, run_id: str) -> str:
    """Return the error that ended the build's task, from its last attempt's log; "" for none."""
    logs = sorted(home.glob(f"logs/dag_id=*/run_id={escape(run_id)}/task_id={BUILD}/attempt=*.log"))
    lines = logs[-1].read_text("utf-8", errors="replace").splitlines() if logs else []
    for line in reversed([each for each in lines if '"error_detail"' in each]):
        try:
            return str(json.loads(line)["error_detail"][0]["exc_value"])
        except (ValueError, LookupError, TypeError):
            continue  # Another line, or one that was cut off.
    return ""


def _look_further(home: Path) -> list[str]:
    return [
        f"Airflow's task logs: {home / 'logs'}",
        f"what its services printed: {home}/output.log",
    ]
