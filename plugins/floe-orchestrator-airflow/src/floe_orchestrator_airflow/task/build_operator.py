"""The task that builds a job: one `dbt build`, reported live, resumed by retries."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from floe_core.execution import (
    Attempt,
    RunRecord,
    attempt_by_hand,
    automatic_attempt,
    chosen_nodes,
    failure_of,
    has_reported_ends,
    nodes_of_job,
)
from floe_core.foundation.errors import NothingNewError, UsageError
from floe_core.runs.build_events import BuildEnded, NodeLog, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow.names.airflow_exceptions import (
    AirflowFailException,
    AirflowSkipException,
)
from floe_orchestrator_airflow.names.airflow_names import BUILD_BEGAN
from floe_orchestrator_airflow.names.product_assets import built_assets, updates_asset
from floe_orchestrator_airflow.names.run_of_product import (
    NODE_IDS_PARAM,
    build_run_id,
    nominal_time,
    parameters_of_run,
    params_of_run,
    range_of_run,
    updates_of_run,
)
from floe_orchestrator_airflow.task.lineage_of_task import EmitsNoDatasets, below_task
from floe_orchestrator_airflow.task.node_log import level_of, level_of_result, summary
from floe_orchestrator_airflow.task.result_facts import asset_event_facts
from floe_orchestrator_airflow.task.run_memory import RunMemory, task_store
from floe_orchestrator_airflow.task.task_end import end_with_supervisor, error_of
from floe_orchestrator_airflow.task.task_journal import ProgressReport, TaskJournal
from floe_orchestrator_airflow.ticks.claimed_tick import claim_tick_of_run

if TYPE_CHECKING:
    from airflow.sdk import Context


class FloeBuildOperator(EmitsNoDatasets, BaseOperator):
    """Builds a job of a product, or the nodes that the run's parameters name or select.

    With `is_mirrored`, each node's messages go to the log of its own task and not of this one.
    `sends_alerts` is False if the DAG's callbacks report how its runs end. `product` is shown with
    each run, by which runs in DAGs of a team are found.
    """

    custom_operator_name = "dbt build"
    template_fields = ("product", "job")
    ui_color = "#ff8a65"

    def __init__(
        self,
        *,
        project_dir: Path,
        job: str,
        product: str = "",
        is_mirrored: bool = False,
        sends_alerts: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project_dir = project_dir
        self.job = job
        self.product = product
        self.is_mirrored = is_mirrored
        self.sends_alerts = sends_alerts
        self._is_building = False

    def execute(self, context: Context) -> None:
        """Build the remaining nodes; fail if any requested node has not passed."""
        context["ti"].xcom_push(BUILD_BEGAN, time.time())
        artifacts = CompiledArtifacts.load(self.project_dir).for_job(self.job)
        claim_tick_of_run(artifacts, self.job, context, self.log.warning)
        narrowed_to = self._narrow_nodes(artifacts, context)
        wanted = narrowed_to or nodes_of_job(artifacts, self.job)
        store, ti = task_store(context, self.project_dir, self.task_id), context["ti"]
        memory = RunMemory(store)
        attempt, before = self._attempt(artifacts, wanted, memory, context)
        request = self._request(artifacts, attempt, context)
        report = ProgressReport(ti.xcom_push, ti.try_number, narrowed_to)
        with TaskJournal(memory, report) as journal, below_task(self, ti, artifacts):
            journal.show(attempt.settled)
            try:
                results, problem = self._build(artifacts, request, journal)
            except SystemExit:
                self._report_if_run_is_over(artifacts, context)
                raise
        record = before.after(results)
        self._judge(artifacts, wanted, record, problem)
        self._publish(artifacts, wanted, record.results, context)

    def on_kill(self) -> None:
        """Stop dbt: called by Airflow in the main thread, which receives the build's events."""
        if self._is_building:
            raise SystemExit("the build was stopped by Airflow")

    def _narrow_nodes(
        self, artifacts: CompiledArtifacts, context: Context
    ) -> tuple[str, ...] | None:
        parameters = parameters_of_run(context, self.task_id)
        named = params_of_run(context, self.task_id).get(NODE_IDS_PARAM) or ()
        if not (named or parameters.narrows):
            return None
        of_job = nodes_of_job(artifacts, self.job)
        unknown = sorted(set(named) - set(of_job))
        if unknown:
            raise AirflowFailException(
                f"job '{self.job}' has no node {', '.join(unknown)}; {NODE_IDS_PARAM} takes ids as "
                "in dbt, such as model.shop.orders"
            )
        try:
            return chosen_nodes(artifacts, parameters, named or of_job)
        except UsageError as error:
            raise AirflowFailException(str(error)) from None

    def _attempt(
        self,
        artifacts: CompiledArtifacts,
        wanted: tuple[str, ...],
        memory: RunMemory,
        context: Context,
    ) -> tuple[Attempt, RunRecord]:
        """Return what to build, and the record that the build continues."""
        ti = context["ti"]
        before = memory.recall() if ti.try_number > 1 else RunRecord()
        if is_automatic(ti.try_number, ti.max_tries, self.retries or 0):
            attempt = automatic_attempt(artifacts, wanted, before)
        else:
            attempt = attempt_by_hand(wanted, before)
            memory.restart(attempt.settled)
            before = RunRecord.of(attempt.settled)
        count = len(attempt.todo)
        self.log.info("Attempt %s: %s of %s nodes to build", ti.try_number, count, len(wanted))
        return attempt, before

    def _request(
        self, artifacts: CompiledArtifacts, attempt: Attempt, context: Context
    ) -> BuildRequest:
        started_by = updates_asset(artifacts.product.name, self.job)
        return BuildRequest(
            job=self.job,
            run_id=build_run_id(context, self.task_id),
            node_ids=attempt.todo,
            attempt=context["ti"].try_number,
            nominal_time=nominal_time(context),
            resume=False,
            range=range_of_run(context, self.task_id),
            parameters=parameters_of_run(context, self.task_id).for_chosen_nodes(),
            settled=attempt.settled,
            unfinished=attempt.unfinished,
            held=attempt.held,
            may_reuse=not attempt.is_repeat,
            updates=updates_of_run(context, started_by),
            sends_alerts=self.sends_alerts,
        )

    def _build(
        self, artifacts: CompiledArtifacts, request: BuildRequest, journal: TaskJournal
    ) -> tuple[list[NodeResult], str]:
        """Build; return the results, and the problem reported at the end, "" if none."""
        from floe_core.execution import build

        results, problem = [], ""
        self._is_building = True
        end_with_supervisor()
        try:
            with closing(build(artifacts, request)) as events:
                for event in events:
                    journal.note(event)
                    if isinstance(event, NodeResult):
                        results.append(event)
                        self.log.log(level_of_result(event), "%s", summary(event))
                    elif isinstance(event, NodeLog):
                        self._pass_on(event)
                    elif isinstance(event, BuildEnded):
                        problem = event.message
        except NothingNewError as error:
            raise AirflowSkipException(str(error)) from None
        except UsageError as error:
            raise AirflowFailException(str(error)) from None
        finally:
            self._is_building = False
        return results, problem

    def _report_if_run_is_over(self, artifacts: CompiledArtifacts, context: Context) -> None:
        """Report a run that a user marked as failed, for which Airflow calls no callback."""
        if has_reported_ends(artifacts) and not self.sends_alerts:
            from floe_orchestrator_airflow.task.run_end import report_if_marked_failed

            report_if_marked_failed(artifacts, self.job, context)

    def _pass_on(self, message: NodeLog) -> None:
        if not (self.is_mirrored and message.unique_id):
            self.log.log(level_of(message), "%s", message.text)

    def _judge(
        self,
        artifacts: CompiledArtifacts,
        wanted: tuple[str, ...],
        record: RunRecord,
        problem: str,
    ) -> None:
        has_passed = all(i in record.results and record.results[i].passed for i in wanted)
        if not has_passed or problem:
            raise error_of(failure_of(artifacts, wanted, record, problem))

    def _publish(
        self,
        artifacts: CompiledArtifacts,
        wanted: tuple[str, ...],
        results: Mapping[str, NodeResult],
        context: Context,
    ) -> None:
        """Emit an asset event for each relation that was built, but not for reused ones."""
        nodes = [artifacts.by_id[i] for i in wanted if results[i].is_new]
        assets = [(node, asset) for node in nodes for asset in built_assets(artifacts, node)]
        self.outlets[:] = [asset for _, asset in assets]
        for node, asset in assets:
            context["outlet_events"][asset].extra = asset_event_facts(node, results[node.unique_id])


def is_automatic(try_number: int, max_tries: int, retries: int) -> bool:
    """Return whether Airflow itself made this try of a task, without a user clearing the task.

    Clearing a task sets its `max_tries` to the tries so far plus its retries, so the first try
    after clearing is the one with all retries left.
    """
    return try_number == 1 or try_number > max_tries - retries + 1
