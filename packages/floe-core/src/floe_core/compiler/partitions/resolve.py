"""Resolve `partitions` of floe.yaml: the nodes that are built for each partition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from floe_core.compiler.dbt.parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.resolve_jobs import take_nodes
from floe_core.compiler.nodes.steps import StepsInGraph
from floe_core.compiler.partitions.checks import check_partitions
from floe_core.compiler.partitions.graph import check_graph
from floe_core.foundation.errors import InvalidProductError
from floe_core.foundation.stages import begin_stage
from floe_core.partitions.calendar import check_start
from floe_core.schedules import check_timezone
from floe_core.schemas.floe_yaml import PartitionsSpec
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job

MICROBATCH = "microbatch"


def resolve_partitions(
    inputs: Inputs,
    manifest: Mapping[str, Any],
    graph: StepsInGraph,
    jobs: Sequence[Job],
    dbt: Dbt,
    findings: Findings,
) -> Partitions | None:
    """Return the partitions of a product, None if it has none or if they are wrong."""
    spec = inputs.spec.partitions
    if spec is None:
        return None
    is_calendar = _check_calendar(spec, inputs, findings)
    selected = _selected(spec, inputs, graph, dbt, findings)
    if not (selected and is_calendar):
        return None
    entries = manifest["nodes"]
    microbatch = tuple(i for i in selected if is_microbatch(entries.get(i) or {}))
    found = Partitions(
        by=spec.by,
        start=spec.start,
        timezone=spec.timezone,
        builds=spec.builds,
        lookback=spec.lookback,
        vars=spec.vars,
        node_ids=tuple(sorted({*selected, *tests_of(graph.nodes, selected)})),
        microbatch=microbatch,
    )
    check_partitions(found, manifest, graph.nodes, jobs, inputs, findings)
    check_graph(found, manifest, inputs, dbt, findings)
    return found


def is_microbatch(entry: Mapping[str, Any]) -> bool:
    """Return whether a node of dbt's manifest is a microbatch model."""
    config = entry.get("config") or {}
    return config.get("incremental_strategy") == MICROBATCH


def tests_of(nodes: Sequence[Node], selected: Sequence[str]) -> set[str]:
    """Return the tests that run with each partition: those that need nothing built later.

    Such a test may also read nodes that are built before the partitions, and then holds back the
    partitioned nodes below it, as in `dbt build`.
    """
    partitioned = frozenset(selected)
    later = NodeGraph(nodes).below(partitioned) - partitioned
    return {
        node.unique_id
        for node in nodes
        if node.is_test
        and not partitioned.isdisjoint(node.depends_on)
        and later.isdisjoint(node.depends_on)
    }


def _check_calendar(spec: PartitionsSpec, inputs: Inputs, findings: Findings) -> bool:
    document, is_fine = inputs.spec_document, True
    try:
        check_start(spec.by, spec.start)
    except ValueError as error:
        is_fine = False
        findings.add(document.problem(("partitions", "start"), f"partitions.start: {error}"))
    try:
        check_timezone(spec.timezone)
    except ValueError as error:
        is_fine = False
        findings.add(document.problem(("partitions", "timezone"), f"partitions.timezone: {error}"))
    return is_fine


def _selected(
    spec: PartitionsSpec, inputs: Inputs, graph: StepsInGraph, dbt: Dbt, findings: Findings
) -> tuple[str, ...]:
    """Return the selected nodes without tests, sorted; none if the selection is wrong."""
    begin_stage("dbt selects the nodes of the partitions")
    by_id = {node.unique_id: node for node in graph.nodes}
    job = Job(name="partitions", select=spec.select, exclude=spec.exclude or "")
    try:
        taken = take_nodes(job, dbt, graph)
    except InvalidProductError as error:
        words = "; ".join(problem.what for problem in error.problems)
        _add(inputs, findings, f"{words}", "try the selection with `dbt ls`")
        return ()
    built = (by_id[i] for i in taken if i in by_id)
    found = tuple(sorted(n.unique_id for n in built if n.is_runnable and not n.is_test))
    if not found:
        _add(inputs, findings, "selects no node of the product", "try it with `dbt ls`")
    return found


def _add(inputs: Inputs, findings: Findings, what: str, fix: str) -> None:
    place = ("partitions", "select")
    findings.add(inputs.spec_document.problem(place, f"partitions.select: {what}", fix))
