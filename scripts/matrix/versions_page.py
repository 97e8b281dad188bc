"""Write docs/versions.md: a row for each cell that has run, with its date and versions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cells import Cell, all_cells
from run_cell import Outcome

PAGE = Path(__file__).resolve().parents[2] / "docs" / "versions.md"
CHECKS = ("loading", "kit", "parity")
HEAD = """# Versions

The versions that floe was run with. `make matrix` runs every cell and writes this page;
`make matrix CELLS="dagster-1.12 airflow-3.2"` runs some cells and updates their rows. A cell is an
environment with one plugin. On the date of its row, every version in it was the newest that the
packages allow, except for the one in the cell's name. The checks:

- **loading**: the tests of what the orchestrator loads
- **kit**: the conformance kit on the real orchestrator
- **parity**: `floe parity examples/hello`, with plain `dbt build` as the other side

A plugin declares the versions whose cells pass. Dagster 1.10 runs products, but the kit's tests use
a name that it lacks. On Airflow 3.1 and 3.2 the kit's product asks for `granularity: product`: see
[what they cannot do](../plugins/floe-orchestrator-airflow/README.md#airflow-31-and-32). The API
server of 3.2 does not start with FastAPI 0.151 or later. Airflow 3.0 is [not
supported](decisions/airflow-tasks.md#airflow-31-and-32). Prefect 3.7 and 3.8 are tested with
SQLAlchemy 2.0, because their server schedules no runs with 2.1.

| cell | versions | loading | kit | parity | date |
|---|---|---|---|---|---|
"""


def write_row(cell: Cell, outcome: Outcome) -> None:
    """Replace the row of a cell; the rows of other cells stay as they are."""
    rows = read_rows()
    rows[cell.name] = _row(cell, outcome)
    order = [known.name for known in all_cells()]
    not_run = ["not run"] * len(CHECKS)
    lines = [rows.get(name) or _line(name, "", *not_run, "") for name in order]
    PAGE.write_text(HEAD + "".join(f"{line}\n" for line in lines))


def read_rows() -> dict[str, str]:
    """Return cell -> its line of the page."""
    if not PAGE.exists():
        return {}
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {line.split("`")[1]: line for line in lines}


def _row(cell: Cell, outcome: Outcome) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in outcome.versions.items())
    missing = outcome.checks["install"]
    results = [outcome.checks.get(check, missing) for check in CHECKS]
    return _line(cell.name, versions, *results, f"{datetime.now(UTC):%Y-%m-%d}")


def _line(name: str, *columns: str) -> str:
    return f"| {' | '.join([f'`{name}`', *columns])} |"
