#!/usr/bin/env python3
"""Write the table of values in each chart's README.md, from the comments of its values.yaml.

With --check nothing is written, and the exit code says whether something would be. Names of charts
limit it to those.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from list_entries import keys_of_entries

from floe_kubernetes.helm.values_file import Place, value_comments

BEGIN, END = "<!-- values: begin -->", "<!-- values: end -->"
CHARTS = Path(__file__).parents[1] / "charts"


def main() -> int:
    """Bring every README up to date; 1 if --check found one that is not."""
    names = [word for word in sys.argv[1:] if not word.startswith("-")]
    readmes = [CHARTS / name / "README.md" for name in names] or [*CHARTS.glob("*/README.md")]
    stale = [readme for readme in readmes if not is_current(readme)]
    if "--check" in sys.argv:
        return 1 if stale else 0
    for readme in stale:
        readme.write_text(with_table(readme))
    return 0


def is_current(readme: Path) -> bool:
    """Tell whether the table is that of today's values.yaml."""
    return with_table(readme) == readme.read_text()


def with_table(readme: Path) -> str:
    """Return a README with the table of today's values.yaml between its two marks."""
    head, rest = readme.read_text().split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    return f"{head}{BEGIN}\n{table(readme.parent)}\n{END}{tail}"


def table(chart: Path) -> str:
    """Return a row for each key that holds a value, those of lists' entries below their list."""
    text = (chart / "values.yaml").read_text()
    comments = value_comments(text)
    entries = list(keys_of_entries(json.loads((chart / "values.schema.json").read_text())))
    rows = []
    for place, value in _leaves(yaml.safe_load(text), ()):
        key = ".".join(place)
        rows.append(f"| `{key}` | `{json.dumps(value)}` | {_meaning(place, comments)} |")
        below = [each for each in entries if each[0].startswith(f"{key}[]")]
        rows += [f"| `{name}` | | {told or f'see `{key}`'} |" for name, told in below]
    return "\n".join(["| key | default | meaning |", "|---|---|---|", *rows])


def _leaves(values: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from _leaves(value, (*place, key))
    else:
        yield place, values


def _meaning(place: Place, comments: dict[Place, str]) -> str:
    return comments.get(place, "").replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
