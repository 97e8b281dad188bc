"""Measure the freshness of sources with `dbt source freshness`, and report it as tests."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from floe_core.dbt.call import DbtEnded, DbtRun
from floe_core.dbt.graph_of_run import nodes_not_in
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult, NodeStarted, NodeStatus
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RESULTS_FILE = "sources.json"
Json = Mapping[str, Any]


class FreshnessRun:
    """A run of `dbt source freshness`. Its results come at the end: dbt's events lack them.

    `target` is where dbt writes the results.
    """

    def __init__(
        self, artifacts: CompiledArtifacts, node_ids: tuple[str, ...], run: DbtRun, target: Path
    ) -> None:
        self._ids = {artifacts.by_id[node_id].tested: node_id for node_id in node_ids}
        self._is_gate = artifacts.execution.freshness == "gate"
        self._run = run
        self._target = target
        self._ended: dict[str, NodeResult] = {}
        self._last: deque[BuildEvent | DbtEnded] = deque()

    def next_event(self, timeout: float | None) -> BuildEvent | DbtEnded | None:
        """See `DbtRun.next_event`."""
        while not self._last:
            event = self._run.next_event(timeout)
            if event is None:
                return None
            if isinstance(event, DbtEnded):
                self._last.extend(self._results(event))
            elif isinstance(event, NodeResult):
                self._ended[event.unique_id] = event
            elif isinstance(event, NodeStarted | NodeLog):
                return replace(event, unique_id=self._ids.get(event.unique_id, ""))
        return self._last.popleft()

    def cancel(self) -> None:
        """See `DbtRun.cancel`."""
        self._run.cancel()

    def cancel_node(self, unique_id: str) -> None:
        """See `DbtRun.cancel_node`."""
        self._run.cancel_node(unique_id)

    def close(self, patience: float) -> bool:
        """See `DbtRun.close`."""
        return self._run.close(patience)

    def _results(self, end: DbtEnded) -> Iterator[BuildEvent | DbtEnded]:
        """Yield a result for each source, then the end; a stale source is not a problem of dbt.

        A source that is disabled in this run has no result.
        """
        if end.problem:
            yield end
            return
        measured = read_freshness(self._target / RESULTS_FILE)
        unreported = self._ids.keys() - measured.keys() - self._ended.keys()
        disabled = nodes_not_in(self._target, unreported)
        results = [
            self._result(node_id, source, measured.get(source))
            for source, node_id in self._ids.items()
            if source not in disabled
        ]
        yield from results
        yield DbtEnded(succeeded=all(result.passed for result in results))

    def _result(self, node_id: str, source: str, measured: Json | None) -> NodeResult:
        now = datetime.now(UTC)
        ended = self._ended.get(source) or NodeResult(
            node_id, "error", started_at=now, ended_at=now
        )
        if measured is None:
            # dbt records what it could measure.
            measured = {"status": "runtime error", "error": ended.message}
        status, message = judge_freshness(measured, is_gate=self._is_gate)
        return replace(ended, unique_id=node_id, status=status, message=message, failures=None)


def read_freshness(path: Path) -> dict[str, Json]:
    """Return source id -> dbt's measurement, from its sources.json; empty without that file."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        return {str(each["unique_id"]): each for each in results}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def judge_freshness(measured: Json, *, is_gate: bool) -> tuple[NodeStatus, str]:
    """Return the status of a source's freshness, and why.

    If freshness is only reported, a stale source and one that can't be measured are warnings.
    """
    # dbt 2 writes `Pass`.
    word = str(measured.get("status")).lower()
    if word == "pass":
        return "pass", _age(measured)
    if word == "warn":
        return "warn", f"{_age(measured)}; {_limit(measured, 'warn_after')}"
    if word == "error":
        return (
            "fail" if is_gate else "warn"
        ), f"{_age(measured)}; {_limit(measured, 'error_after')}"
    return ("error" if is_gate else "warn"), str(measured.get("error") or "dbt did not measure it")


def _age(measured: Json) -> str:
    seconds = float(measured.get("max_loaded_at_time_ago_in_s") or 0.0)
    return f"last loaded {_span(seconds)} ago, at {measured.get('max_loaded_at')}"


def _span(seconds: float) -> str:
    for name, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _limit(measured: Json, name: str) -> str:
    limit = (measured.get("criteria") or {}).get(name) or {}
    count, period = limit.get("count"), limit.get("period")
    return f"{name} is {count} {period}{'' if count == 1 else 's'}"
