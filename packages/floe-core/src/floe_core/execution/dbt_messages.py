"""Read dbt's event stream: its messages as floe's build events, the same from both ways to run it.

The names are those of dbt's structured logging (`dbt.events.types`), protocol v3: `info.name`,
`info.level`, `info.msg`, `data.node_info`, and `data.run_result` on NodeFinished.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from floe_core.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted, NodeStatus

STARTED, FINISHED = "NodeStart", "NodeFinished"
QUIET_LEVELS = frozenset({"debug", "test"})

_STATUSES: dict[str, NodeStatus] = {
    "success": "success",
    "pass": "pass",
    "warn": "warn",
    "fail": "fail",
    "error": "error",
    "skipped": "skipped",
    "partial success": "error",
    "no-op": "success",
    "runtime error": "error",
}


def is_of_interest(name: str, level: str) -> bool:
    """Tell whether a message says anything to a run; most of dbt's say it to its debugger."""
    return name in (STARTED, FINISHED) or level not in QUIET_LEVELS


class DbtMessages:
    """Translates the messages of one dbt run; may be called from several threads.

    dbt tells of each batch of a microbatch model as if it were the model, between the model's own
    start and end: only those two are the node's.
    """

    def __init__(self) -> None:
        self._depth: Counter[str] = Counter()
        self._lock = threading.Lock()

    def translated(self, message: Mapping[str, Any]) -> Iterator[BuildEvent]:
        """Yield the build events of one message, given as the mapping of its JSON."""
        info, data = message["info"], message.get("data") or {}
        node_info = data.get("node_info") or {}
        unique_id = node_info.get("unique_id", "")
        if info["name"] == STARTED:
            if self._goes(unique_id, 1) == 1:
                yield NodeStarted(unique_id, _moment(node_info.get("node_started_at")) or _now())
        elif info["name"] == FINISHED:
            if self._goes(unique_id, -1) <= 0:
                yield _result(unique_id, data.get("run_result") or {}, node_info)
        elif info["level"] not in QUIET_LEVELS and info.get("msg"):
            yield NodeLog(unique_id, info["level"], info["msg"])

    def _goes(self, unique_id: str, step: int) -> int:
        """Return how many starts of a node have had no end yet, after one more or one less."""
        with self._lock:
            self._depth[unique_id] = max(0, self._depth[unique_id] + step)
            return self._depth[unique_id]


def status_of(word: str) -> NodeStatus:
    """Return floe's word for dbt's; a word that dbt never had is an error, never a pass."""
    return _STATUSES.get(word.lower(), "error")


def _result(
    unique_id: str, run_result: Mapping[str, Any], node_info: Mapping[str, Any]
) -> NodeResult:
    status = status_of(str(run_result.get("status", "")))
    started = _moment(node_info.get("node_started_at"))
    return NodeResult(
        unique_id=unique_id,
        status=status,
        seconds=round(float(run_result.get("execution_time", 0.0)), 3),
        message=str(run_result.get("message") or ""),
        rows=rows_of(run_result.get("adapter_response") or {}),
        failures=_failures(unique_id, status, run_result),
        started_at=None if status == "skipped" else started,
        ended_at=None
        if status == "skipped"
        else (_moment(node_info.get("node_finished_at")) or _now()),
    )


def rows_of(adapter_response: Mapping[str, Any]) -> int | None:
    """Return the rows that the warehouse says it wrote; -1 is how drivers say they don't know."""
    rows = adapter_response.get("rows_affected")
    return int(rows) if rows is not None and int(rows) >= 0 else None


def _failures(unique_id: str, status: NodeStatus, run_result: Mapping[str, Any]) -> int | None:
    """Return the rows a test found; dbt's stream writes 0 where it has none to tell."""
    is_verdict = unique_id.startswith(("test.", "unit_test.")) and status in (
        "pass",
        "warn",
        "fail",
    )
    return int(run_result.get("num_failures") or 0) if is_verdict else None


def _moment(text: Any) -> datetime | None:
    if not text:
        return None
    moment = datetime.fromisoformat(str(text))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)
