"""The README of each chart lists every key of its values."""

from __future__ import annotations

import subprocess
import sys

from charts import Chart, each_chart
from helm_engine import ROOT


@each_chart
def test_the_table_of_values_is_that_of_values_yaml(chart: Chart) -> None:
    """`scripts/chart_readme.py` writes it."""
    checked = [sys.executable, ROOT / "scripts" / "chart_readme.py", "--check", chart.name]
    assert subprocess.run(checked, check=False).returncode == 0
