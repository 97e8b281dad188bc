"""Resolve `partitions` of floe.yaml: the nodes that are built for each partition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any

from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.dbt.parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.resolve_jobs import list_changed_places, take_nodes
from floe_core.compiler.nodes.steps import StepsInGraph
from floe_core.compiler.partitions.checks import OF_FLOE, check_partitions
from floe_core.foundation.errors import InvalidProductError
from floe_core.foundation.stages import begin_stage
from floe_core.partitions.calendar import Partition, check_start, first_partition, partition_at
from floe_core.partitions.chosen import partition_vars
from floe_core.schedules import check_timezone
from floe_core.schemas.floe_yaml import PartitionsSpec
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job

Entry = Mapping[str, Any]
# Conditions on time hold on one side of a moment, and most are of years near the first partition.
_LATER = timedelta(days=366 * 30)
# Statements, and expressions that configure the node or name a parent.
_DECIDING = re.compile(r"\{%.*?%\}|\{\{[^}]*\b(?:config|ref|source)\s*\(.*?\}\}", re.DOTALL)


def check_graph(
    partitions: Partitions, manifest: Entry, inputs: Inputs, dbt: Dbt, findings: Findings
) -> None:
    """Note a problem if nodes differ in a partition, or their parents; see `_may_differ`.

    A run uses the parse of compile time: it would build a node that dbt disables, and dbt would not
    know a parent that only a partition has.
    """
    if not _may_differ(partitions, manifest):
        return
    compiled = nodes_in(manifest, inputs.product_dir)
    first = first_partition(partitions)
    last = partition_at(partitions, first.start + _LATER) or first
    for partition in (first, last):
        begin_stage(f"checking that partition {partition.key} has the same graph")
        with findings.gather():
            parsed = dbt.with_vars({**inputs.spec.vars, **_vars(partitions, partition)}).parse()
            if changed := list_changed_places(
                compiled, nodes_in(parsed.manifest, inputs.product_dir)
            ):
                what = (
                    f"partitions.vars: those of {partition.key} change dbt's graph, which all "
                    f"partitions share: {changed}"
                )
                fix = (
                    "let the vars choose rows only; name each parent that a model may have in "
                    "`-- depends_on: {{ ref('...') }}`"
                )
                findings.add(inputs.spec_document.problem(("partitions", "vars"), what, fix))
                return


def _vars(partitions: Partitions, partition: Partition) -> dict[str, str]:
    of_floe = dict(zip(OF_FLOE, (partition.start, partition.end), strict=True))
    return {
        **{name: moment.isoformat() for name, moment in of_floe.items()},
        **partition_vars(partitions, [partition]),
    }


def _may_differ(partitions: Partitions, manifest: Entry) -> bool:
    """Return whether a var is in a statement of Jinja, or in what configures or names a node.

    An expression that only writes a var into the SQL changes no graph.
    """
    names = "|".join(map(re.escape, (*partitions.vars, *OF_FLOE)))
    var = rf"\bvar\s*\(\s*['\"]({names})['\"]"
    is_read = re.compile(var)
    return any(
        is_read.search(text) and _decides(text, is_read) for text in _codes(manifest)
    ) or any(is_read.search(text) for text in _configurations(manifest))


def _decides(text: str, is_read: re.Pattern[str]) -> bool:
    return any(is_read.search(part.group()) for part in _DECIDING.finditer(text))


def _codes(manifest: Entry) -> Iterator[str]:
    for entry in _entries(manifest):
        yield str(entry.get("raw_code") or "")
    for macro in (manifest.get("macros") or {}).values():
        yield str(macro.get("macro_sql") or "")


def _configurations(manifest: Entry) -> Iterator[str]:
    for entry in _entries(manifest):
        yield str(entry.get("unrendered_config") or "")


def _entries(manifest: Entry) -> Iterator[Entry]:
    disabled = chain.from_iterable((manifest.get("disabled") or {}).values())
    for name in ("nodes", "sources"):
        yield from (manifest.get(name) or {}).values()
    yield from disabled


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
