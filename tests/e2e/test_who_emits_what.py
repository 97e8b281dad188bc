"""The page that compares lineage emitters says of floe what floe does today."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def column(table: str, number: int) -> dict[str, str]:
    """Return question -> answer, from a column of a Markdown table."""
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {row[0].strip(): row[number].strip() for row in rows[2:]}


def test_floes_column_is_what_a_run_tells() -> None:
    script = ROOT / "benchmarks" / "who_emits_what.py"
    done = subprocess.run(
        [sys.executable, script, "--only", "floe"], capture_output=True, text=True, check=True
    )
    page = (ROOT / "docs" / "who-emits-what.md").read_text()
    assert column(done.stdout, 1) == column(page, 1)
