"""Lineage facets of a node that was built by partition, and of the results of its tests."""

from __future__ import annotations

from floe_core.lineage import facets
from floe_core.lineage.facets import Json
from floe_core.partitions.calendar import Partition, partition_of_key
from floe_core.runs.build_events import PASSED, NodeResult
from floe_core.schemas.nodes import Node
from floe_core.schemas.partitions import Partitions


def period_of_run(declaration: Partitions | None, result: NodeResult) -> Json:
    """Return the facet of the time that a node's partitions cover; {} without partitions."""
    if declaration is None or not result.partitions:
        return {}
    found = [partition_of_key(declaration, key) for key, _ in result.partitions]
    return {"nominalTime": facets.nominal_time(found[0].start, found[-1].end)}


def subset_of_output(declaration: Partitions | None, result: NodeResult) -> Json:
    """Return the facet of the partitions that were built of a table; {} for none."""
    if declaration is None:
        return {}
    built = [key for key, status in result.partitions if status in PASSED]
    partitions = [_dimensions(partition_of_key(declaration, key)) for key in built]
    return {"subset": facets.output_subset(partitions)} if partitions else {}


def _dimensions(partition: Partition) -> Json:
    period = {"start": partition.start.isoformat(), "end": partition.end.isoformat()}
    return {"identifier": partition.key, "dimensions": period}


_CUSTOM = "custom_sql"
# Longer operators first. A single value is shown as it is.
_OPPOSITES = {
    **{"!=": "", "<>": "", ">=": "<", "<=": ">", "==": "!="},
    **{">": "<=", "<": ">=", "=": "!="},
}


def with_verdict(node: Node, result: NodeResult, inputs: list[tuple[str, Json]]) -> list[Json]:
    """Return a data test's inputs, with its verdict on those that it tested.

    A test that belongs to one node tests that node's data; any other tests all that it reads. A
    test that could not run, or a unit test, has no verdict on data.
    """
    has_verdict = node.resource_type == "test" and result.status in ("pass", "warn", "fail")
    if not has_verdict:
        return [dataset for _, dataset in inputs]
    verdict = {"dataQualityAssertions": facets.data_quality_assertions(_assertion(node, result))}
    return [
        dataset | {"inputFacets": verdict} if node.tested in ("", node_id) else dataset
        for node_id, dataset in inputs
    ]


def unit_test_facet(node: Node, result: NodeResult) -> Json:
    """Return the run facet of a unit test's result."""
    outcome = {"skipped": "skip"}.get(result.status, "pass" if result.passed else "fail")
    return facets.unit_test_outcome(node.name, outcome, "unit_test", node.severity or None)


def _assertion(node: Node, result: NodeResult) -> Json:
    assertion: Json = {
        "assertion": node.test_kind or _CUSTOM,
        "success": result.status == "pass",
        "name": node.name,
    }
    if node.test_column:
        assertion["column"] = node.test_column
    if node.severity:
        assertion["severity"] = node.severity.lower()
    if result.failures is not None:
        condition = node.error_if if result.status == "fail" else node.warn_if
        assertion |= {"expected": describe_expected(condition), "actual": str(result.failures)}
    return assertion


def describe_expected(condition: str) -> str:
    """Return which numbers of rows do not meet a condition of `error_if` or `warn_if`.

    >>> describe_expected(">10"), describe_expected("!= 0"), describe_expected("between 1 and 5")
    ('<= 10', '0', 'not between 1 and 5')
    """
    text = condition.strip() or "!= 0"
    for sign, opposite in _OPPOSITES.items():
        if text.startswith(sign):
            return f"{opposite} {text.removeprefix(sign).strip()}".strip()
    return f"not {text}"
