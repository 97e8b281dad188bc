"""What shells complete: names in the product that the command line names, as last compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

_NAMED = {"model", "seed", "snapshot", "step"}


def job_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the jobs whose names start with an incomplete value."""
    return _starting([job["name"] for job in _artifacts(ctx).get("jobs", ())], incomplete)


def environment_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the environments whose names start with an incomplete value."""
    return _starting(_artifacts(ctx).get("environments", ()), incomplete)


def node_names(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return selections of dbt whose last word, such as `+orders`, starts a node's name."""
    before, space, word = incomplete.rpartition(" ")
    plus = "+" if word.startswith("+") else ""
    nodes = _artifacts(ctx).get("nodes", ())
    names = [each["name"] for each in nodes if each["unique_id"].partition(".")[0] in _NAMED]
    return [f"{before}{space}{plus}{name}" for name in _starting(names, word.removeprefix("+"))]


def _starting(names: Any, incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))


def _artifacts(ctx: typer.Context) -> dict[str, Any]:
    """Return the artifacts' fields; none if they can't be read, since a shell shows no error."""
    # An option without its value, which is being completed, leaves the product among these.
    folder = Path(next(iter(ctx.args), "") or ctx.params.get("product") or "")
    try:
        found = json.loads((folder / "compiled_artifacts.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
