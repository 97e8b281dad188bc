"""No secret is in what a chart renders, and none is made up."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import strict_yaml
from charts import Chart, each_chart, each_scenario
from helm_engine import Target, rendered_text

from floe_core.user_yaml.source_map import text_values

# What Helm knows to make up, and what it would look up in a cluster or read off a clock.
MADE_UP = re.compile(
    r"\b(rand[A-Z]\w*|gen[A-Z]\w*|uuidv4|derivePassword|htpasswd|encryptAES|lookup|now|getHostByName)\b"
)
SPELT_OUT = re.compile(r"://[^/\s:@]+:[^/\s@]+@")


@each_scenario
def test_no_secret_is_rendered(chart: Chart, scenario: str) -> None:
    objects = chart.objects(chart.scenarios[scenario])
    assert [thing for thing in objects if thing["kind"] == "Secret"] == []
    texts = [text for thing in objects for _, text in text_values(thing)]
    assert [text for text in texts if SPELT_OUT.search(text)] == []


@each_scenario
def test_variables_that_sound_secret_are_references(chart: Chart, scenario: str) -> None:
    for pod in chart.pods(chart.objects(chart.scenarios[scenario])):
        for container in pod.containers:
            for variable in container.get("env", []):
                if re.search(r"(PASSWORD|SECRET|TOKEN|API_KEY|HEADERS)$", variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"], variable


@each_chart
def test_no_template_makes_anything_up(chart: Chart) -> None:
    found = {
        path.name: MADE_UP.findall(code)
        for path in sorted((chart.folder / "templates").iterdir())
        for code in [" ".join(re.findall(r"{{.*?}}", path.read_text(), re.DOTALL))]
    }
    assert {name: words for name, words in found.items() if words} == {}


@each_chart
def test_it_is_a_part_of_another_chart_too(chart: Chart, tmp_path: Path) -> None:
    """Helm then hands down `global`, which a closed schema has to know."""
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: platform\nversion: 1.0.0\n")
    shutil.copytree(chart.folder, tmp_path / "charts" / chart.name)
    text = rendered_text(tmp_path, {"global": {"team": "data"}}, target=Target())
    assert len(strict_yaml.documents(text)) == len(
        strict_yaml.documents(rendered_text(chart.folder))
    )
