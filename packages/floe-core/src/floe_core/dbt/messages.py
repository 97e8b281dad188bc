"""Translate dbt's log messages into floe's build events, the same for both ways to run dbt.

The names are those of dbt's structured logging (`dbt.events.types`), protocol v3: `info.name`,
`info.level`, `info.msg`, `info.invocation_id`, `data.node_info`, and `data.run_result` on
NodeFinished. dbt 2 writes the same log, but gives the reason of a failure in a message before
NodeFinished, and logs the error of a hook without the hook's id: both are named Generic there.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted, NodeStatus

BATCH_STARTED, BATCH_ENDED = "LogStartBatch", "LogBatchResult"
_NAME = re.compile(r"^batch (\S+) of ")
# What dbt writes before the error of the warehouse.
_HEADER = re.compile(r"^(?:Exception on worker thread\. )?(?:\w+ Error(?: in [^\n]*)?\n\s*)?")
_MOST_NAMES = _MOST_ERRORS = 5


@dataclass(slots=True)
class _Batch:
    """A batch has its name from dbt: its date, month, year, or date and hour."""

    name: str
    status: str
    error: str = ""


class BatchLog:
    """How the batches of each model ended. The messages of one batch come from one thread."""

    def __init__(self) -> None:
        self._errors: dict[str, str] = {}
        self._ended: dict[str, list[_Batch]] = {}

    def receive(self, unique_id: str, info: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        """Take a message, among them the end of a batch, after which the batch's node ends."""
        thread = str(info.get("thread", ""))
        if info["level"] == "error" and data.get("exc"):
            self._errors[thread] = str(data["exc"])
        elif info["name"] == BATCH_ENDED:
            found = _NAME.match(str(data.get("description", "")))
            status = str(data.get("status", "")).lower()
            batch = _Batch(found[1] if found else "?", status, self._errors.pop(thread, ""))
            self._ended.setdefault(unique_id, []).append(batch)

    def end_of_batch(self, unique_id: str, message: str) -> None:
        """Take the message of a batch that ended: for one that did not compile, it is the error."""
        last = self._ended.get(unique_id, [])[-1:]
        for batch in last:
            if batch.status == "error" and not batch.error and "\n" in message:
                batch.error = message

    def take(self, unique_id: str) -> tuple[int, tuple[str, ...], str]:
        """Return how many batches of a model were built, which were not, and why."""
        batches = self._ended.pop(unique_id, [])
        failed = sorted((b for b in batches if b.status in ("error", "skipped")), key=_name_of)
        return len(batches) - len(failed), tuple(map(_name_of, failed)), _describe(failed)


def _name_of(batch: _Batch) -> str:
    return batch.name


def _describe(failed: Iterable[_Batch]) -> str:
    """Return some errors, each with the batches that ended with it; the SQL is of the first one.

    >>> said = "Exception on worker thread. Runtime Error\\n  Binder Error: no b\\n  LINE 7: b"
    >>> failed = [_Batch("2026-11-03", "error", said), _Batch("2026-11-04", "error", said)]
    >>> print(_describe([*failed, _Batch("2026-11-05", "skipped")]))
    batches 2026-11-03, 2026-11-04: Binder Error: no b
      LINE 7: b
    batch 2026-11-05: skipped
    """
    by_error: dict[str, list[str]] = {}
    details: dict[str, str] = {}
    for batch in failed:
        error = _HEADER.sub("", batch.error, count=1).strip() or batch.status
        first = error.partition("\n")[0]
        details.setdefault(first, error)
        by_error.setdefault(first, []).append(batch.name)
    lines = [f"{_list_names(names)}: {details[k]}" for k, names in by_error.items()]
    others = [name for names in [*by_error.values()][_MOST_ERRORS:] for name in names]
    further = [f"{_list_names(sorted(others))}: other errors"] if others else []
    return "\n".join([*lines[:_MOST_ERRORS], *further])


def _list_names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"batch{'es' if len(names) > 1 else ''} {', '.join(names[:_MOST_NAMES])}{more}"


STARTED, FINISHED, GENERIC = "NodeStart", "NodeFinished", "Generic"
NO_TIME = (
    "this dbt cannot build the batches of another time than now: use dbt 1.10 or later, and if "
    "`execution.dbtExecutable` of floe.yaml is a script, let it pass PYTHONPATH on"
)
# Stands for something that dbt runs beside the nodes and does not name.
UNNAMED_OPERATION = "operation"
_WRITTEN_BY_PROJECT = frozenset({"JinjaLogInfo", "PrintEvent"})
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
    # dbt's own cache already has the node's result; from 1.12 on.
    "reused": "success",
}
_LEVEL_IN_TEXT = re.compile(r"^\[(?:error|warning)\] ")
# dbt 2 appends its stack frames: ` 0: name`, with the location of each on a line below it.
_BACKTRACE = re.compile(r"\n +0: .*(?:\n +(?:\d+: |at ).*)*")


def is_of_interest(name: str, level: str) -> bool:
    """Return whether a message matters to a run; most of dbt's messages are for debugging."""
    return name in (STARTED, FINISHED) or level not in QUIET_LEVELS


class DbtMessages:
    """Translates the messages of one dbt run; may be called from several threads.

    dbt logs each batch of a microbatch model as if it were the model, between the model's own start
    and end: only these two count as the node's. Ephemeral models end inside their readers.
    """

    def __init__(self) -> None:
        self._depth: Counter[str] = Counter()
        self._reasons: dict[str, str] = {}
        self._batches = BatchLog()
        self._lock = threading.Lock()

    def translate(self, message: Mapping[str, Any]) -> Iterator[BuildEvent]:
        """Yield the build events of one message, given as the mapping of its JSON."""
        info, data = message["info"], message.get("data") or {}
        node_info = data.get("node_info") or {}
        unique_id = node_info.get("unique_id", "")
        if info["name"] == STARTED:
            if self._goes(unique_id, 1) == 1:
                yield NodeStarted(unique_id, _moment(node_info.get("node_started_at")) or _now())
        elif info["name"] == FINISHED:
            is_over, run_result = self._goes(unique_id, -1) <= 0, data.get("run_result") or {}
            if not is_over:
                self._batches.end_of_batch(unique_id, str(run_result.get("message", "")))
            elif node_info.get("materialized") != "ephemeral":
                reason = self._reasons.pop(unique_id, "")
                result = _result(unique_id, run_result, node_info, reason)
                result = replace(result, invocation_id=str(info.get("invocation_id") or ""))
                yield self._with_batches(result)
        elif info["level"] not in QUIET_LEVELS and info.get("msg"):
            self._batches.receive(unique_id, info, data)
            yield self._log(unique_id, info)

    def _with_batches(self, result: NodeResult) -> NodeResult:
        built, failed, why = self._batches.take(result.unique_id)
        if not failed:
            return result
        message = f"{why}\n{result.message}"
        return replace(result, message=message, built_batches=built, failed_batches=failed)

    def _log(self, unique_id: str, info: Mapping[str, Any]) -> NodeLog:
        if info["name"] != GENERIC:
            is_written = info["name"] in _WRITTEN_BY_PROJECT
            return NodeLog(unique_id, info["level"], info["msg"], is_from_project=is_written)
        text = text_of_error(info["msg"])
        if info["level"] != "error":
            return NodeLog(unique_id, info["level"], text)
        if unique_id:
            self._reasons[unique_id] = text
        return NodeLog(unique_id or UNNAMED_OPERATION, info["level"], text)

    def _goes(self, unique_id: str, step: int) -> int:
        """Return how many starts of a node have no end yet, after adding `step`."""
        with self._lock:
            self._depth[unique_id] = max(0, self._depth[unique_id] + step)
            return self._depth[unique_id]


def text_of_error(text: str) -> str:
    """Return dbt's text of an error, without its level and the stack frames of dbt 2."""
    return _BACKTRACE.sub("", _LEVEL_IN_TEXT.sub("", text)).rstrip()


def status_of(word: str) -> NodeStatus | None:
    """Return floe's status for dbt's, None for one that no dbt had when this was written."""
    return _STATUSES.get(word.lower())


def _result(
    unique_id: str, run_result: Mapping[str, Any], node_info: Mapping[str, Any], reason: str
) -> NodeResult:
    word = str(run_result.get("status", ""))
    known = status_of(word)
    # Never a pass, since the meaning of the word is not known.
    status = known or "error"
    unknown = f"dbt ended it as '{word}', a status that floe does not know"
    started = _moment(node_info.get("node_started_at"))
    return NodeResult(
        unique_id=unique_id,
        status=status,
        seconds=round(float(run_result.get("execution_time", 0.0)), 3),
        message=str(run_result.get("message") or reason) if known else unknown,
        rows=rows_of(run_result.get("adapter_response") or {}),
        failures=_failures(unique_id, status, run_result),
        started_at=None if status == "skipped" else started,
        ended_at=None
        if status == "skipped"
        else (_moment(node_info.get("node_finished_at")) or _now()),
    )


def rows_of(adapter_response: Mapping[str, Any]) -> int | None:
    """Return the number of rows that the warehouse wrote, None if unknown (drivers return -1)."""
    rows = adapter_response.get("rows_affected")
    return int(rows) if rows is not None and int(rows) >= 0 else None


def _failures(unique_id: str, status: NodeStatus, run_result: Mapping[str, Any]) -> int | None:
    """Return the number of rows that a test found; dbt's log has 0 if it is not known."""
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
