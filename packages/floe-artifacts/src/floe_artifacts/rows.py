"""The results of a run as dbt writes them to run_results.json, one for each node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from floe_artifacts.run_files import Call, Json
from floe_core.runs.build_events import NodeResult

# What dbt writes of a node that it did not compile.
_UNCOMPILED: Json = {"compiled": None, "compiled_code": None, "relation_name": None}
_NO_BATCHES: Json = {"successful": [], "failed": []}
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_FIRST_WITH_REUSED = (1, 12)


@dataclass(frozen=True, slots=True)
class Row:
    """A result as dbt writes it. `attempt` is the one that built the node, 0 if not known."""

    attempt: int
    content: Json


def rows_of_run(
    results: Iterable[NodeResult],
    builds: Iterable[Call],
    manifest: Json,
    *,
    attempt: int,
    dbt_version: str,
) -> dict[str, Row]:
    """Return node id -> its row, in the order of the results, which are the last of each node.

    The row is dbt's own if dbt wrote one for this result, else it is made from the result: a
    process that is killed leaves none. `attempt` is the one that has just ended.
    """
    rows: dict[str, list[tuple[Call, Json]]] = {}
    for call in builds:
        for row in call.rows:
            rows.setdefault(row["unique_id"], []).append((call, row))
    found: dict[str, Row] = {}
    for result in results:
        own = [*_rows_of(result, rows.pop(result.unique_id, ()))]
        if own:
            found[result.unique_id] = Row(own[-1][0].attempt, _merged(result, own))
        else:
            content = _made_row(result, manifest, dbt_version)
            found[result.unique_id] = Row(attempt, content)
    # Hooks, and nodes that only the vars of the run enable.
    others = {i: Row(of[-1][0].attempt, of[-1][1]) for i, of in rows.items()}
    return {**found, **others}


def moment_of(row: Json) -> str:
    """Return when a node ended, as dbt writes it; "" if it never started."""
    return max(
        (str(each.get("completed_at") or "") for each in row.get("timing") or ()), default=""
    )


def _rows_of(result: NodeResult, rows: Iterable[tuple[Call, Json]]) -> Iterator[tuple[Call, Json]]:
    """Yield dbt's rows for this result: one, or one for each call that built partitions."""
    rows = [*rows]
    last = max((call.attempt for call, _ in rows), default=0)
    for call, row in rows:
        if result.partitions:
            if call.attempt == last:
                yield call, row
        elif result.invocation_id and call.invocation_id == result.invocation_id:
            yield call, row


def _merged(result: NodeResult, rows: list[tuple[Call, Json]]) -> Json:
    """Return one row for a node that several calls built, each for some of its partitions."""
    *earlier, (_, last) = rows
    if not earlier:
        return last
    each = [row for _, row in rows]
    return {
        **last,
        "status": _status_of_all(result, each),
        "message": result.message or last.get("message"),
        "failures": last.get("failures") if result.failures is None else result.failures,
        "execution_time": sum(float(row.get("execution_time") or 0.0) for row in each),
        "timing": _whole_timing(each),
        "adapter_response": _whole_response(result, last),
        "batch_results": _all_batches(each),
    }


def _status_of_all(result: NodeResult, rows: list[Json]) -> str:
    """Return the status of a node with partitions; dbt has a word for some that failed."""
    words = {str(row.get("status")) for row in rows}
    if len(words) == 1:
        return words.pop()
    is_batched = any(row.get("batch_results") for row in rows)
    has_built = any(status == "success" for _, status in result.partitions)
    return "partial success" if is_batched and has_built else result.status


def _whole_timing(rows: list[Json]) -> list[Json]:
    """Return from when to when each phase went on, over all rows."""
    found: dict[str, Json] = {}
    for phase in (phase for row in rows for phase in row.get("timing") or ()):
        known = found.setdefault(phase["name"], dict(phase))
        known["completed_at"] = phase.get("completed_at") or known.get("completed_at")
    return [*found.values()]


def _whole_response(result: NodeResult, row: Json) -> Json:
    response = dict(row.get("adapter_response") or {})
    if result.rows is not None and "rows_affected" in response:
        response["rows_affected"] = result.rows
    return response


def _all_batches(rows: list[Json]) -> Json | None:
    batches = [row["batch_results"] for row in rows if row.get("batch_results")]
    if not batches:
        return None
    return {kind: [b for each in batches for b in each.get(kind) or ()] for kind in _NO_BATCHES}


def _made_row(result: NodeResult, manifest: Json, dbt_version: str) -> Json:
    """Return the row that dbt would have written for a result that it wrote none for."""
    return {
        "status": _word(result, dbt_version),
        "timing": _timing(result.started_at, result.ended_at),
        "thread_id": "",
        "execution_time": result.seconds,
        "adapter_response": {} if result.rows is None else {"rows_affected": result.rows},
        "message": (result.message or None) if result.status != "skipped" else None,
        "failures": 0 if result.status == "reused" and _is_test(result) else result.failures,
        "unique_id": result.unique_id,
        **_compiled_of(result.unique_id, manifest),
        "batch_results": None,
    }


def _word(result: NodeResult, dbt_version: str) -> str:
    """Return dbt's status; before 1.12, none says that a node's result is still valid.

    >>> [_word(NodeResult(i, "reused"), "1.11.2") for i in ("model.shop.a", "test.shop.b")]
    ['no-op', 'pass']
    """
    if result.status != "reused":
        return result.status
    if _is_test(result):
        return "pass"
    major, minor = (int(part) for part in dbt_version.split(".")[:2])
    return "reused" if (major, minor) >= _FIRST_WITH_REUSED else "no-op"


def _is_test(result: NodeResult) -> bool:
    return result.unique_id.startswith(("test.", "unit_test."))


def _timing(started: datetime | None, ended: datetime | None) -> list[Json]:
    if started is None or ended is None:
        return []
    texts = [moment.astimezone(UTC).strftime(_FORMAT) for moment in (started, ended)]
    # dbt reports the whole time of a node while it runs, and its phases only when it has ended.
    return [{"name": "execute", "started_at": texts[0], "completed_at": texts[1]}]


def _compiled_of(node_id: str, manifest: Json) -> Json:
    """Return what dbt writes about the code of a node, according to a manifest."""
    node = _node_in(manifest, node_id)
    if node is None or node.get("resource_type") in ("seed", "unit_test"):
        return _UNCOMPILED
    return {
        "compiled": bool(node.get("compiled")),
        "compiled_code": node.get("compiled_code"),
        "relation_name": node.get("relation_name"),
    }


def _node_in(manifest: Mapping[str, Json], node_id: str) -> Json | None:
    found: Json | None = (manifest.get("nodes") or {}).get(node_id)
    return found
