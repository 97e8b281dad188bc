"""The nodes of a run in Dagster's event log, as GraphQL returns it."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any

from floe_core.plugin_api.run_history import NodesOfRun, NodeState, RecordedNode
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

_METADATA = """
metadataEntries {
  label
  ... on TextMetadataEntry { text }
  ... on FloatMetadataEntry { floatValue }
  ... on IntMetadataEntry { intValue }
}
"""
# The parts of an event that `nodes_in` reads.
EVENT = f"""
fragment FloeEvent on DagsterRunEvent {{
__typename
... on MaterializationEvent {{ {_METADATA} }}
... on AssetCheckEvaluationEvent {{
  evaluation {{ success severity description {_METADATA} }}
}}
... on ExecutionStepFailureEvent {{
  failureMetadata {{ description }} error {{ message }}
}}
... on RunFailureEvent {{ message }}
}}
"""
_FAILURES = ("ExecutionStepFailureEvent", "RunFailureEvent")


def nodes_in(events: Iterable[Mapping[str, Any]], product: CompiledArtifacts) -> NodesOfRun:
    """Return the nodes that these events name, each in its last state.

    A model that failed or was skipped has no event of its own: the failure of the step names those
    that failed.
    """
    found: dict[str, RecordedNode] = {}
    problem = ""
    for event in events:
        if event["__typename"] in _FAILURES:
            problem = problem or _text_of(event)
        elif (node := _node(event)) is not None:
            found[node.unique_id] = node
    for node_id, message in failed_nodes_in(problem, product.by_id).items():
        is_test = product.by_id[node_id].is_test
        before = found.get(node_id)
        if before is None or not is_test:
            found[node_id] = RecordedNode(node_id, "fail" if is_test else "error", message=message)
    return NodesOfRun(tuple(found.values()), problem)


def _text_of(event: Mapping[str, Any]) -> str:
    metadata, error = event.get("failureMetadata") or {}, event.get("error") or {}
    return str(metadata.get("description") or error.get("message") or event.get("message") or "")


def _node(event: Mapping[str, Any]) -> RecordedNode | None:
    evaluation = event.get("evaluation") or {}
    facts = {
        entry["label"]: next((v for k, v in entry.items() if k != "label"), None)
        for entry in (evaluation or event).get("metadataEntries") or ()
    }
    node_id = facts.get("unique_id")
    if not node_id:
        return None
    seconds, rows = facts.get("Execution Duration"), facts.get("dagster/row_count")
    return RecordedNode(
        str(node_id),
        _state(evaluation) if evaluation else _as_state(facts.get("status")),
        seconds=None if seconds is None else float(seconds),
        message=str(evaluation.get("description") or ""),
        rows=None if rows is None else int(rows),
    )


def _state(evaluation: Mapping[str, Any]) -> NodeState:
    if evaluation["success"]:
        return "pass"
    return "warn" if evaluation["severity"] == "WARN" else "fail"


def _as_state(status: Any) -> NodeState:
    return "reused" if status == "reused" else "success"


def failed_nodes_in(text: str, known: Container[str]) -> dict[str, str]:
    """Return node id -> message, of the nodes named in what `failure_text` returned.

    A message may have several lines; `known` are the ids of the product's nodes.

    >>> failed_nodes_in("1 of 2 nodes: 1 error\\nmodel.s.a: no\\nLINE 1: ...", {"model.s.a"})
    {'model.s.a': 'no\\nLINE 1: ...'}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        name, colon, rest = line.partition(": ")
        if colon and name in known and name not in found:
            lines = found[name] = [rest]
        elif found:
            lines.append(line)
    return {name: "\n".join(each) for name, each in found.items()}
