"""Read from dbt 1's messages how the batches of microbatch models ended."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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
