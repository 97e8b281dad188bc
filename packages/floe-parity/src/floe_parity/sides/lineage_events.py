"""Collect the lineage events of a run in a file, and remove times and ids from them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from floe_core.foundation.process_environment import environment_with
from floe_core.lineage import flush
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Json = dict[str, Any]

EVENTS_FILE, CONFIG_FILE = "lineage-events.jsonl", "lineage-to-file.yml"
FLUSH_SECONDS = 20.0
# A run without a tick has the time of its request as its nominal time; a span's ids belong to one
# run only, and so does the earlier run whose nodes it reused.
_MOMENTS = frozenset({"eventTime", "nominalStartTime", "traceId", "spanId", "builtBy"})
_RUN_FOLDER = re.compile(r"(\.floe/runs/)[^/\s]+/")


@contextmanager
def caught_in_file(folder: Path) -> Iterator[None]:
    """Send the events to OpenLineage's own file transport, whatever backend is configured."""
    config = folder / CONFIG_FILE
    target = json.dumps(str(folder / EVENTS_FILE))
    config.write_text(f"transport: {{type: file, log_file_path: {target}, append: true}}\n")
    with environment_with({"OPENLINEAGE_CONFIG": str(config)}):
        yield


def collect_events(artifacts: CompiledArtifacts, names: Mapping[str, str]) -> Counter[str]:
    """Return the events of a finished run, each as a line that is equal in two equal runs.

    It is the whole event except times, folders and run ids. A run is identified by its job and its
    number among the runs of that job, so that a START and an end still belong together. `names`
    maps names that only this run has to their replacements.
    """
    folder = artifacts.folder
    flush(folder, artifacts.lineage, FLUSH_SECONDS)
    path = folder / EVENTS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return comparable([json.loads(line) for line in lines if line], {str(folder): ".", **names})


def comparable(events: list[Json], names: Mapping[str, str]) -> Counter[str]:
    """Return events as lines, in the order of emission, with the run's own names replaced."""
    runs = _run_names(events)
    return Counter(_line(_without_moments(event, runs, names)) for event in events)


def differing_paths(line: str, others: Iterable[str]) -> list[str]:
    """Return where a line differs from the most similar other one of the same job and kind.

    Empty if there is none.
    """
    head, event = _parse(line)
    alike = [theirs for other, theirs in map(_parse, others) if other == head]
    return min((_compare(event, theirs, "") for theirs in alike), key=len, default=[])


def _run_names(events: list[Json]) -> dict[str, str]:
    """Return run id -> job and number, in the order in which the job's runs started."""
    names: dict[str, str] = {}
    count: Counter[str] = Counter()
    for run_id, job in (run for event in events for run in _runs_in(event)):
        if run_id not in names:
            count[job] += 1
            names[run_id] = f"run {count[job]} of {job}"
    return names


def _runs_in(event: Json) -> Iterator[tuple[str, str]]:
    """Yield id and job of the event's run, and of the other products' runs that it depends on."""
    yield event["run"]["runId"], event["job"]["name"]
    dependencies = event["run"]["facets"].get("jobDependencies", {})
    for each in dependencies.get("upstream", ()):
        if "run" in each:
            yield each["run"]["runId"], each["job"]["name"]


def _without_moments(value: Any, runs: Mapping[str, str], names: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            key: "" if key in _MOMENTS else _without_moments(each, runs, names)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_without_moments(each, runs, names) for each in value]
    if isinstance(value, str):
        text = runs.get(value, value)
        for name, stand_in in names.items():
            text = text.replace(name, stand_in)
        return _RUN_FOLDER.sub(r"\1RUN/", text)
    return value


def _line(event: Json) -> str:
    text = json.dumps(event, sort_keys=True, ensure_ascii=False)
    return f"{event['eventType']} {event['job']['name']} {text}"


def _parse(line: str) -> tuple[str, Any]:
    kind, job, text = line.split(" ", 2)
    return f"{kind} {job}", json.loads(text)


def _compare(one: Any, other: Any, path: str) -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        pairs = [(one.get(key), other.get(key), f"{path}.{key}") for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(a, b, f"{path}[{n}]") for n, (a, b) in enumerate(zip(one, other, strict=True))]
    else:
        return [] if one == other else [path.removeprefix(".")]
    return [each for a, b, where in pairs for each in _compare(a, b, where)]
