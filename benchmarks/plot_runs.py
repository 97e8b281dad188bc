"""Draw how long runs take, from the results of runs_on_dagster.py and runs_on_airflow.py.

.venv-bench/bin/python benchmarks/plot_runs.py dagster.json airflow.json docs/pictures/runs.png
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.axes import Axes

OURS, THEIRS, DBT = "#2563eb", "#9ca3af", "#111827"


def main() -> None:
    """Draw one panel for each orchestrator and size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dagster", type=Path)
    parser.add_argument("airflow", type=Path)
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    panels = [*_panels("Dagster", arguments.dagster), *_panels("Airflow", arguments.airflow)]
    figure, axes = pyplot.subplots(len(panels), 1, figsize=(8, 1.9 * len(panels)), squeeze=False)
    for (title, seconds), [axis] in zip(panels, axes, strict=True):
        _draw(axis, title, seconds)
    figure.tight_layout()
    figure.savefig(arguments.picture, dpi=110)


def _panels(orchestrator: str, results: Path) -> list[tuple[str, dict[str, float]]]:
    """Return title and wall seconds by name, for each size; an empty run is no bar."""
    found = json.loads(results.read_text())
    return [
        (f"{orchestrator}, {models} models", {name: _wall(value) for name, value in bars.items()})
        for models, bars in found.items()
    ]


def _wall(value: float | dict[str, float]) -> float:
    return value["wall"] if isinstance(value, dict) else value


def _draw(axis: Axes, title: str, seconds: dict[str, float]) -> None:
    names = list(reversed(seconds))
    colours = [OURS if n.startswith("floe") else DBT if n == "dbt build" else THEIRS for n in names]
    bars = axis.barh(names, [seconds[name] for name in names], color=colours)
    axis.bar_label(bars, fmt="%.1f s", padding=3)
    axis.set_title(title, loc="left")
    axis.set_xlim(right=1.15 * max(seconds.values()))
    axis.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
