"""Check that the vars of partitions leave dbt's graph as it is, which all partitions share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import chain
from typing import Any

from floe_core.compiler.dbt.graph import nodes_in
from floe_core.compiler.dbt.parse import Dbt
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import Inputs
from floe_core.compiler.jobs.resolve_jobs import list_changed_places
from floe_core.compiler.partitions.checks import OF_FLOE
from floe_core.foundation.stages import begin_stage
from floe_core.partitions.calendar import Partition, first_partition, partition_at
from floe_core.partitions.values import partition_vars
from floe_core.schemas.partitions import Partitions

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
