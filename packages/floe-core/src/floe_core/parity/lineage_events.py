"""Catch the lineage events of a run in a file, and say each without its clock and ids."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from floe_core.lineage import flush
from floe_core.process_environment import environment_with
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EVENTS_FILE, CONFIG_FILE = "lineage-events.jsonl", "lineage-to-file.yml"
FLUSH_SECONDS = 20.0


@contextmanager
def caught_in_file(folder: Path) -> Iterator[None]:
    """Let OpenLineage's own file transport take the events, whatever backend is configured."""
    config = folder / CONFIG_FILE
    target = json.dumps(str(folder / EVENTS_FILE))
    config.write_text(f"transport: {{type: file, log_file_path: {target}, append: true}}\n")
    with environment_with({"OPENLINEAGE_CONFIG": str(config)}):
        yield


def caught_events(artifacts: CompiledArtifacts) -> Counter[str]:
    """Return the events of a run that is over, each as a line that two runs can agree on.

    That is: its type, its job, its datasets and the facets it carries, without times and run ids.
    """
    folder = artifacts.project_dir
    assert folder is not None
    flush(folder, artifacts.lineage, FLUSH_SECONDS)
    path = folder / EVENTS_FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return Counter(_line(json.loads(line)) for line in lines if line)


def _line(event: Mapping[str, Any]) -> str:
    parts = [event["eventType"], event["job"]["name"]]
    parts += [f"from {_dataset(dataset)}" for dataset in _sorted(event.get("inputs"))]
    parts += [f"to {_dataset(dataset)}" for dataset in _sorted(event.get("outputs"))]
    facets = [*event["run"].get("facets", ()), *event["job"].get("facets", ())]
    return " ".join([*parts, f"({', '.join(sorted(facets))})"])


def _sorted(datasets: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return sorted(datasets or [], key=lambda dataset: (dataset["namespace"], dataset["name"]))


def _dataset(dataset: Mapping[str, Any]) -> str:
    groups = ("facets", "inputFacets", "outputFacets")
    facets = sorted(name for group in groups for name in dataset.get(group) or ())
    return f"{dataset['namespace']}/{dataset['name']}[{', '.join(facets)}]"
