"""Check what a product with partitions cannot do, and warn of what it should not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.foundation.errors import Problem
from floe_core.partitions.calendar import first_partition
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import Job

Entry = Mapping[str, Any]
_LENGTHS = {"hour": 0, "day": 1, "week": 2, "month": 3, "year": 4}
# Vars of every run that hold the period of its partition.
OF_FLOE = ("floe_range_start", "floe_range_end")
# Strategies of dbt's adapters that replace what a period had before, without a unique key.
_REPLACING = frozenset({"microbatch", "insert_overwrite"})
_BUILT_ANEW = frozenset({"table", "view", "materialized_view", "dynamic_table"})
_DELETES = re.compile(r"\b(delete\s+from|truncate)\b", re.IGNORECASE)


def check_partitions(
    partitions: Partitions,
    manifest: Entry,
    nodes: Sequence[Node],
    jobs: Sequence[Job],
    inputs: Inputs,
    findings: Findings,
) -> None:
    """Note each problem of the partitions at its line, and give notice of what is doubtful."""
    by_id = {node.unique_id: node for node in nodes}
    entries = {i: manifest["nodes"].get(i) or {} for i in partitions.node_ids}
    microbatch = [by_id[i] for i in partitions.microbatch]
    for problem in (
        *_start_to_come(partitions, inputs),
        *_wrong_zone(partitions, microbatch, inputs),
        *_wrong_batches(partitions, microbatch, entries),
        *_nodes_between(partitions, nodes, inputs),
        *_full_refreshes(partitions, jobs, inputs),
    ):
        findings.add(problem)
    names = "|".join(map(re.escape, (*partitions.vars, *OF_FLOE)))
    macros = manifest.get("macros") or {}
    reader, deletes = _Code(macros, re.compile(rf"\b({names})\b")), _Code(macros, _DELETES)
    for node_id in partitions.node_ids:
        node, entry = by_id[node_id], entries[node_id]
        if node.is_relation and entry:
            for text in _doubts(node, entry, reader, deletes, partitions):
                findings.notice(f"partitions: {text}")


def _start_to_come(partitions: Partitions, inputs: Inputs) -> Iterator[Problem]:
    first = first_partition(partitions)
    if first.start > datetime.now(UTC):
        what = f"partitions.start: the first partition, {first.key}, is in the future"
        yield inputs.spec_document.problem(("partitions", "start"), what, "write an earlier day")


def _wrong_zone(
    partitions: Partitions, microbatch: Sequence[Node], inputs: Inputs
) -> Iterator[Problem]:
    if partitions.timezone == "UTC" or not microbatch:
        return
    names = ", ".join(node.label for node in microbatch)
    what = (
        f"partitions.timezone: {partitions.timezone} with the microbatch model {names}: dbt's "
        "batches are periods of UTC, so that one partition would be parts of two of them"
    )
    fix = "write UTC, or leave microbatch models out of `partitions.select`"
    yield inputs.spec_document.problem(("partitions", "timezone"), what, fix)


def _wrong_batches(
    partitions: Partitions, microbatch: Sequence[Node], entries: Mapping[str, Entry]
) -> Iterator[Problem]:
    for node in microbatch:
        size = str(entries[node.unique_id]["config"].get("batch_size"))
        if _LENGTHS.get(size, 0) > _LENGTHS[partitions.by]:
            what = (
                f"batch_size of {node.label}: a {size} is longer than a partition of one "
                f"{partitions.by}: each would build its whole {size} from the rows of one "
                f"{partitions.by}"
            )
            batch = "day" if partitions.by == "week" else partitions.by
            fix = f"write batch_size='{batch}', or partition by {size}"
            yield Problem(what, fix, node.path)


def _nodes_between(
    partitions: Partitions, nodes: Sequence[Node], inputs: Inputs
) -> Iterator[Problem]:
    """Yield a problem for each node between partitioned ones: there is no moment to build it."""
    graph, partitioned = NodeGraph(nodes), frozenset(partitions.node_ids)
    below = graph.below(partitioned) - partitioned
    for node in nodes:
        if node.unique_id not in below or not node.is_runnable:
            continue
        after = sorted(graph.below([node.unique_id]) & partitioned)
        before = sorted(partitioned & set(graph.above([node.unique_id])))
        if after and before:
            what = (
                f"partitions.select: {node.unique_id} is between {before[0]} and {after[0]}, "
                "which are built for each partition, and it is not"
            )
            fix = "select it as well, or leave out what reads it"
            yield inputs.spec_document.problem(("partitions", "select"), what, fix)


def _full_refreshes(
    partitions: Partitions, jobs: Sequence[Job], inputs: Inputs
) -> Iterator[Problem]:
    partitioned = frozenset(partitions.node_ids)
    names = [spec.name for spec in inputs.spec.jobs]
    for job in jobs:
        if job.full_refresh and not partitioned.isdisjoint(job.node_ids or partitioned):
            what = (
                f"job '{job.name}': fullRefresh builds tables from scratch, so that each run "
                "would keep its own partitions alone"
            )
            place = ("jobs", names.index(job.name), "fullRefresh")
            yield inputs.spec_document.problem(place, what, "leave partitioned nodes out of it")


def _doubts(
    node: Node, entry: Entry, reader: _Code, deletes: _Code, partitions: Partitions
) -> Iterator[str]:
    config, uses_vars = entry.get("config") or {}, reader.has(entry)
    if uses_vars and node.materialization in _BUILT_ANEW:
        kind = node.materialization.replace("_", " ")
        yield (
            f"{node.unique_id} is a {kind}, so building a partition removes those built before; "
            "make it incremental to keep them"
        )
    if not uses_vars and node.unique_id not in partitions.microbatch:
        names = ", ".join(partitions.vars) or "floe_range_start"
        yield (
            f"{node.unique_id} uses none of the vars {names} and is no microbatch model, so it is "
            "built whole for each partition"
        )
    strategy = config.get("incremental_strategy")
    has_key = bool(config.get("unique_key")) and strategy != "append"
    is_replaced = strategy in _REPLACING or has_key or deletes.has(entry)
    if node.materialization == "incremental" and not is_replaced:
        named = f"the strategy {strategy}" if strategy else "no strategy"
        key = "" if strategy == "append" else " and no unique_key"
        yield (
            f"{node.unique_id} has {named}{key}: building a partition again appends its rows a "
            "second time"
        )


class _Code:
    """Finds a pattern in the code of nodes and of the macros that they use."""

    def __init__(self, macros: Mapping[str, Entry], pattern: re.Pattern[str]) -> None:
        self._macros = macros
        self._pattern = pattern
        self._found: dict[str, bool] = {}

    def has(self, entry: Entry) -> bool:
        """Return whether a node has it, in its code or in its configuration, such as hooks."""
        config = entry.get("config") or {}
        text = f"{entry.get('raw_code') or ''} {entry.get('unrendered_config') or ''} {config}"
        return bool(self._pattern.search(text)) or self._in_macros(entry)

    def _in_macros(self, entry: Entry) -> bool:
        return any(map(self._is_read_by, (entry.get("depends_on") or {}).get("macros") or ()))

    def _is_read_by(self, macro_id: str) -> bool:
        if macro_id not in self._found:
            # Set first: macros may call each other in a circle.
            self._found[macro_id] = False
            macro = self._macros.get(macro_id) or {}
            named = self._pattern.search(str(macro.get("macro_sql") or ""))
            self._found[macro_id] = bool(named) or self._in_macros(macro)
        return self._found[macro_id]
