"""An upgrade changes nothing that Kubernetes refuses to change."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from charts import Chart, each_scenario
from helm_engine import Target, render
from immutable_fields import changed, immutable_fields

RELEASED = Path(__file__).parent / "released"
CHANGES = {"image": {"tag": "9.9.9"}, "podAnnotations": {"changed": "yes"}}


@each_scenario
def test_the_next_version_changes_nothing_immutable(
    chart: Chart, scenario: str, tmp_path: Path
) -> None:
    following = tmp_path / chart.name
    shutil.copytree(chart.folder, following)
    written = (following / "Chart.yaml").read_text()
    (following / "Chart.yaml").write_text(re.sub(r"(?m)^version: .*", "version: 9.9.9", written))
    assert (following / "Chart.yaml").read_text() != written
    values = chart.scenarios[scenario]
    old = render(chart.folder, values)
    new = render(following, values, CHANGES, target=Target(is_upgrade=True))
    assert old != new
    assert changed(immutable_fields(old), immutable_fields(new)) == []


@each_scenario
def test_nothing_immutable_has_changed_since_the_last_release(chart: Chart, scenario: str) -> None:
    """`scripts/record_release.py` writes these files when a chart is released."""
    [latest] = sorted(RELEASED.glob(f"{chart.name}-*.json"))[-1:]
    of_release = json.loads(latest.read_text())
    now = immutable_fields(chart.objects(chart.scenarios[scenario]))
    assert changed(of_release.get(scenario, {}), now) == []
