"""Merge what the builds of one run have written, each for its own nodes and attempts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from floe_artifacts.rows import Row, moment_of
from floe_artifacts.run_files import Call, Json

# Arguments of one call among several; the run has those of all.
_SELECTIONS = ("select", "exclude")


def part_of_build(
    rows: Mapping[str, Row], builds: Iterable[Call], measurements: Iterable[Call], ended_at: str
) -> Json:
    """Return what one build knows of its run; it is kept beside the run's artifacts.

    Builds that share a folder know the calls of each other. `ended_at` is in UTC, and parts are
    ordered by it.
    """
    return {
        "ended_at": ended_at,
        "rows": {i: {"attempt": row.attempt, "content": row.content} for i, row in rows.items()},
        "builds": [without_results(call.content) for call in builds],
        "measurements": [call.content for call in measurements],
    }


def run_results(parts: Sequence[Json], if_no_call: Json) -> Json:
    """Return run_results.json of a run: of each node, the result of the last attempt.

    `if_no_call` is all of it but the results for a run in which dbt was not called to build.
    """
    best: dict[str, Json] = {}
    for node_id, row in (pair for part in _in_order(parts) for pair in part["rows"].items()):
        if node_id not in best or _rank(row) >= _rank(best[node_id]):
            best[node_id] = row
    results = sorted((row["content"] for row in best.values()), key=_when)
    calls = _calls_of(parts, "builds")
    return {**(_as_one_call(calls) if calls else if_no_call), "results": results}


def sources_json(parts: Sequence[Json]) -> Json | None:
    """Return sources.json of a run, None if it measured no sources."""
    calls = _calls_of(parts, "measurements")
    if not calls:
        return None
    rows = {row["unique_id"]: row for call in calls for row in call["results"]}
    return {**_as_one_call(calls), "results": [*rows.values()]}


def _in_order(parts: Sequence[Json]) -> list[Json]:
    return sorted(parts, key=lambda part: str(part["ended_at"]))


def _calls_of(parts: Sequence[Json], kind: str) -> list[Json]:
    """Return the calls of dbt in all parts, each once, in order."""
    calls = [call for part in _in_order(parts) for call in part[kind]]
    unique = {str(call["metadata"].get("invocation_id")): call for call in calls}
    return sorted(unique.values(), key=lambda call: str(call["metadata"].get("generated_at")))


def _as_one_call(calls: Sequence[Json]) -> Json:
    """Return what dbt would have written of these calls, but for the results, if they were one."""
    last = calls[-1]
    started = (call["metadata"].get("invocation_started_at") for call in calls)
    first = min(filter(None, started), default=None)
    whole: Json = {
        **without_results(last),
        "metadata": {**last["metadata"], **({"invocation_started_at": first} if first else {})},
        "elapsed_time": sum(float(call.get("elapsed_time") or 0.0) for call in calls),
    }
    if "args" in last:
        whole["args"] = _whole_arguments([call.get("args") or {} for call in calls])
    return whole


def _whole_arguments(arguments: Sequence[Json]) -> Json:
    """Return the arguments of the last call, with the selections of all."""
    merged: Json = dict(arguments[-1])
    for name in _SELECTIONS:
        given = [each.get(name) for each in arguments]
        if name in merged and any(each != given[0] for each in given):
            # A call without a selection built everything.
            merged[name] = _union(given) if all(given) else []
    return merged


def _union(values: Iterable[Any]) -> list[str]:
    words = (word for value in values for word in (value if isinstance(value, list) else [value]))
    return [*dict.fromkeys(words)]


def _rank(row: Json) -> tuple[int, str]:
    return row["attempt"], moment_of(row["content"])


def _when(row: Json) -> tuple[bool, str]:
    """Return a key that orders nodes by their ends; those that never began come last."""
    moment = moment_of(row)
    return not moment, moment


def without_results(content: Json) -> Json:
    """Return all of a file of results but the results."""
    return {key: value for key, value in content.items() if key != "results"}
