"""The lineage events of one build: a parent run, and a run for each node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from floe_core import __version__
from floe_core.lineage import facets
from floe_core.lineage.calling_run import NamedRun, calling_run
from floe_core.lineage.facets import Json, LineageJob, run_event
from floe_core.lineage.naming import run_id_of_build, run_id_of_node
from floe_core.lineage.node_facets import (
    period_of_run,
    subset_of_output,
    unit_test_facet,
    with_verdict,
)
from floe_core.lineage.product_graph import ProductGraph
from floe_core.lineage.sending.delivery import with_notes
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, NodeStarted
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Column, Node
from floe_core.schemas.partitions import Partitions
from floe_core.secrets.redactor import Redactor
from floe_core.tracing.trace_id import SpanIds

LONGEST_SQL = 200_000


@dataclass(frozen=True, slots=True)
class _NodeRun:
    """What all events of a node's run share; `inputs` are keyed by the ids of their nodes, and
    the outputs of a step by their names in floe.yaml."""

    node: Node
    run_id: str
    run_facets: Json
    job: LineageJob
    inputs: list[tuple[str, Json]]
    output: Json | None
    outputs_of_step: list[tuple[str, Json]]


class BuildStory:
    """Turns build events into run events. Each node gets one START and one end.

    `spans` are the ids of spans, keyed by node id, and by "" for the run. `upstream` are the runs
    that updated the build's inputs.
    """

    def __init__(
        self,
        artifacts: CompiledArtifacts,
        request: BuildRequest,
        redactor: Redactor,
        spans: Mapping[str, SpanIds] = MappingProxyType({}),
        upstream: Sequence[Json] = (),
    ) -> None:
        self._spans = spans
        self._artifacts = artifacts
        self._request = request
        self._redactor = redactor
        self._graph = ProductGraph(artifacts, redactor)
        self._open: dict[str, _NodeRun] = {}
        self._failed = 0
        self._reused: list[Json] = []
        self._is_open = False
        run_id = run_id_of_build(artifacts.lineage.namespace, artifacts.product.name, request)
        job = self._graph.product_job
        self._itself = NamedRun(run_id, job.namespace, job.name)
        self._above = calling_run()
        nominal = request.nominal_time
        self._tick = {"nominalTime": facets.nominal_time(nominal)} if nominal else {}
        dependencies = facets.job_dependencies(list(upstream))
        self._upstream = {"jobDependencies": dependencies} if upstream else {}

    def start(self, at: datetime) -> list[Json]:
        """Return the START of the parent run."""
        self._is_open = True
        return [self._parent_event("START", at, {})]

    def receive(
        self, event: BuildEvent, compiled_sql: str | None = None, columns: tuple[Column, ...] = ()
    ) -> list[Json]:
        """Return the lineage events for an event of the build. See `end_node` for the others."""
        if isinstance(event, NodeStarted):
            return self.start_node(event)
        if isinstance(event, NodeResult) and event.status == "reused":
            self.note_reused(event)
        elif isinstance(event, NodeResult):
            return self.end_node(event, compiled_sql, columns)
        elif isinstance(event, BuildEnded):
            return self.end(event, datetime.now(UTC))
        return []

    def start_node(self, event: NodeStarted) -> list[Json]:
        """Return the START of a node's run; none if it has started already."""
        if event.unique_id in self._open:
            return []
        run = self._node_run(self._artifacts.by_id[event.unique_id])
        inputs = [dataset for _, dataset in run.inputs]
        # The output is described at the end, when it exists.
        outputs = [each | {"facets": {}} for each in _all_outputs(run)]
        start = run_event("START", event.at, run.run_id, run.run_facets, run.job, inputs, outputs)
        self._open[event.unique_id] = run
        return [start]

    def end_node(
        self,
        result: NodeResult,
        compiled_sql: str | None,
        columns: tuple[Column, ...] = (),
    ) -> list[Json]:
        """Return the end of a node's run, preceded by its START if that was not emitted.

        `columns` are those of the built relation, as in the warehouse, () if not known.
        """
        ended = result.ended_at or datetime.now(UTC)
        before = self.start_node(NodeStarted(result.unique_id, result.started_at or ended))
        run = self._open.pop(result.unique_id)
        return [*before, self._end(run, result, ended, compiled_sql, columns)]

    def note_reused(self, result: NodeResult) -> None:
        """Keep a reused node for the end of the parent run, which lists such nodes."""
        if result.reused is not None:
            job = self._graph.node_job(self._artifacts.by_id[result.unique_id])
            self._reused.append(facets.reused_node(job.namespace, job.name, result.reused))

    def end(self, event: BuildEnded, at: datetime) -> list[Json]:
        """Return an ABORT for each node that has not ended, and the end of the parent run."""
        aborted = self._abort_nodes(at)
        self._is_open = False
        if event.succeeded:
            return [*aborted, self._parent_event("COMPLETE", at, {})]
        message = event.message or f"{self._failed} of the nodes failed"
        return [*aborted, self._parent_event("FAIL", at, self._error(message, "Python"))]

    def break_off(self, at: datetime) -> list[Json]:
        """Return an ABORT for each open run, the parent's last; none after the end."""
        if not self._is_open:
            return []
        self._is_open = False
        return [*self._abort_nodes(at), self._parent_event("ABORT", at, {})]

    def _abort_nodes(self, at: datetime) -> list[Json]:
        runs = list(self._open.values())
        self._open.clear()
        return [run_event("ABORT", at, run.run_id, run.run_facets, run.job) for run in runs]

    def _node_run(self, node: Node) -> _NodeRun:
        root = self._above.root if self._above else self._itself
        names = (self._artifacts.lineage.namespace, self._artifacts.product.name)
        return _NodeRun(
            node=node,
            run_id=run_id_of_node(*names, self._request, node.unique_id),
            run_facets={
                "parent": facets.parent(self._itself, root),
                "processing_engine": self._engine(node),
                **self._tick,
                **self._trace_facet(node.unique_id),
            },
            job=self._graph.node_job(node),
            inputs=self._graph.inputs(node),
            output=self._graph.output(node),
            outputs_of_step=self._graph.outputs_of_step(node),
        )

    def _engine(self, node: Node) -> Json:
        if node.is_step:
            return facets.processing_engine("floe", __version__)
        return facets.processing_engine("dbt", self._artifacts.dbt.version)

    def _end(
        self,
        run: _NodeRun,
        result: NodeResult,
        at: datetime,
        compiled_sql: str | None,
        columns: tuple[Column, ...],
    ) -> Json:
        partitions = self._artifacts.partitions
        query = compiled_sql or self._graph.query_of_snapshot(run.node)
        job_facets = run.job.facets | (self._sql(query) if query else {})
        output = self._graph.with_built_columns(run.node, run.output, columns)
        event = run_event(
            _event_type(result),
            at,
            run.run_id,
            run.run_facets | self._outcome(run.node, result) | period_of_run(partitions, result),
            LineageJob(run.job.namespace, run.job.name, job_facets),
            with_verdict(run.node, result, run.inputs),
            [
                *_outputs(output, result, partitions),
                *(_output_of_step(name, each, result) for name, each in run.outputs_of_step),
            ],
        )
        sources = [each["name"] for node_id, each in run.inputs if self._graph.is_foreign(node_id)]
        is_whole = bool(columns) or self._graph.knows_all_columns(run.node)
        return with_notes(event, has_whole_schema=is_whole, sources=sources)

    def _outcome(self, node: Node, result: NodeResult) -> Json:
        outcome: Json = {}
        if _event_type(result) == "FAIL":
            self._failed += 1
            message = result.message or f"ended with status {result.status}"
            is_sql = node.language == "sql" and not node.is_step
            outcome |= self._error(message, "SQL" if is_sql else "Python")
        if node.resource_type == "unit_test":
            outcome["test"] = unit_test_facet(node, result)
        return outcome

    def _sql(self, compiled_sql: str) -> Json:
        whole = compiled_sql.strip()
        query = self._redactor.text(whole[:LONGEST_SQL])
        if len(whole) > LONGEST_SQL:
            query += facets.SQL_CUT_SHORT
        return {"sql": facets.sql(query, self._artifacts.dbt.adapter or None)}

    def _error(self, message: str, language: str) -> Json:
        return {"errorMessage": facets.error_message(self._redactor.text(message), language)}

    def _parent_event(self, event_type: str, at: datetime, outcome: Json) -> Json:
        above = self._above
        parent = {"parent": facets.parent(above.parent, above.root)} if above else {}
        reused = {facets.REUSE: facets.reuse(self._reused)} if self._reused else {}
        run_facets = parent | self._tick | self._upstream | self._trace_facet("") | reused | outcome
        return run_event(event_type, at, self._itself.run_id, run_facets, self._graph.product_job)

    def _trace_facet(self, key: str) -> Json:
        ids = self._spans.get(key)
        return {facets.TRACE: facets.trace(ids.trace_id, ids.span_id)} if ids else {}


def _all_outputs(run: _NodeRun) -> list[Json]:
    return [*([run.output] if run.output else []), *(each for _, each in run.outputs_of_step)]


def _output_of_step(name: str, output: Json, result: NodeResult) -> Json:
    """Return a step's output, by its name in floe.yaml, with the facts that the step reported."""
    fact = next((each for each in result.datasets if each.dataset == name), None)
    if fact is None or not result.passed:
        return output
    if fact.version:
        version = {"version": facets.dataset_version(fact.version)}
        output = output | {"facets": output["facets"] | version}
    if fact.rows is not None:
        output = output | {"outputFacets": _statistics(fact.rows)}
    return output


def _outputs(output: Json | None, result: NodeResult, partitions: Partitions | None) -> list[Json]:
    if output is None:
        return []
    found = subset_of_output(partitions, result)
    if result.rows is not None and result.rows >= 0 and result.passed:
        found |= _statistics(result.rows)
    return [output | {"outputFacets": found} if found else output]


def _statistics(rows: int) -> Json:
    return {"outputStatistics": facets.output_statistics(rows)}


def _event_type(result: NodeResult) -> str:
    if result.status == "skipped":
        return "ABORT"
    return "COMPLETE" if result.passed else "FAIL"
