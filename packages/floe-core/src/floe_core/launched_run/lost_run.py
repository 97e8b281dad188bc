"""Report for alerts a launched run whose process died; nothing else reports its end."""

from __future__ import annotations

from dataclasses import replace

from floe_core.execution import outcome_of_run, report_outcome
from floe_core.launched_run.launch import LaunchedRun
from floe_core.launched_run.run_order import RunOrder
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


def report_lost_run(artifacts: CompiledArtifacts, order: RunOrder, run: LaunchedRun) -> None:
    """Report that a run ended because its process died."""
    outcome = outcome_of_run(
        artifacts,
        order.options.job,
        order.run_id,
        succeeded=False,
        problem=run.problem,
        nominal_time=order.options.nominal_time,
    )
    report_outcome(artifacts, replace(outcome, results=outcome.results or run.nodes))
