"""The charts under test, and what the tests must know of each that is not in the chart."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import strict_yaml
from helm_engine import ROOT, Object, Target, Values, render
from pods import Pod, pods

Launched = Callable[[list[Object]], Iterable[Pod]]


@dataclass(frozen=True)
class Chart:
    """One chart.

    `launched` finds the pods that the orchestrator starts later, in what was rendered. `launchers`
    are the components that start them, and alone need a token. `passed_through` maps a key of the
    values that Kubernetes reads, not the chart, to why it is open. In the scenarios named in
    `launching_nothing`, runs stay in pods that are there, and nobody needs a token.
    """

    name: str
    plugin: str
    launched: Launched
    launchers: frozenset[str]
    passed_through: Mapping[str, str]
    launching_nothing: frozenset[str] = frozenset()

    @property
    def folder(self) -> Path:
        """The chart's folder."""
        return ROOT / "charts" / self.name

    @cached_property
    def schema(self) -> dict[str, Any]:
        """Its values.schema.json."""
        found: dict[str, Any] = json.loads((self.folder / "values.schema.json").read_text())
        return found

    @property
    def scenarios(self) -> dict[str, Values]:
        """Name -> values: the defaults, and each of the chart's examples."""
        examples = sorted((self.folder / "examples").glob("*.yaml"))
        return {"defaults": {}, **{path.stem: path for path in examples}}

    def objects(self, *values: Values, target: Target | None = None) -> list[Object]:
        """Return what the chart renders for these values, as an upgrade unless `target` says so.

        What an upgrade runs first is in it too, so it is the whole chart.
        """
        return render(self.folder, *values, target=target or Target(is_upgrade=True))

    def launchers_in(self, scenario: str) -> frozenset[str]:
        """Return the components that start pods in a scenario."""
        return frozenset() if scenario in self.launching_nothing else self.launchers

    def pods(self, objects: list[Object]) -> list[Pod]:
        """Return the pods that rendered objects start, those launched later included."""
        return [*pods(objects), *self.launched(objects)]


def _found_by(module: str) -> Launched:
    """Return `launched_pods` of a module beside this one, imported when it is first asked."""

    def launched(objects: list[Object]) -> Iterator[Pod]:
        yield from import_module(module).launched_pods(objects)

    return launched


_OWN = "Kubernetes' own schema, checked by kubernetes-validate once rendered"
KUBERNETES_OWN = {
    "affinity": _OWN,
    "annotations": _OWN,
    "extraContainers": _OWN,
    "extraEnv": _OWN,
    "extraEnvFrom": _OWN,
    "extraInitContainers": _OWN,
    "extraObjects": _OWN,
    "extraVolumeMounts": _OWN,
    "extraVolumes": _OWN,
    "global": "what a parent chart hands to all of its children",
    "labels": _OWN,
    "nodeSelector": _OWN,
    "outside": "peers of a NetworkPolicy, " + _OWN,
    "peers": "peers of a NetworkPolicy, " + _OWN,
    "podAnnotations": _OWN,
    "parentRefs": "references to Gateways, whose fields the Gateway API adds to",
    "podLabels": _OWN,
    "serviceAccountAnnotations": _OWN,
    "template": "a pod, " + _OWN,
    "texts": "keys and texts, as labels and annotations are",
    "tolerations": _OWN,
    "topologySpreadConstraints": _OWN,
}

_ALL = (
    Chart(
        "floe-dagster",
        "dagster",
        _found_by("dagster_run_pods"),
        frozenset({"daemon", "webserver"}),
        {
            **KUBERNETES_OWN,
            "config": "settings of a compute log manager's own class",
            "dagsterConfig": "dagster.yaml, whose keys Dagster itself checks",
        },
    ),
    Chart(
        "floe-airflow",
        "airflow",
        _found_by("airflow_task_pods"),
        frozenset({"scheduler"}),
        {
            **KUBERNETES_OWN,
            "airflowConfig": "airflow.cfg, whose sections and keys providers add to",
            "kwargs": "arguments of a DAG bundle's own class",
            "pools": "pools by their names",
        },
        launching_nothing=frozenset({"celery", "platform"}),
    ),
)
CHARTS = [chart for chart in _ALL if (chart.folder / "Chart.yaml").exists()]

each_chart = pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.name)
_SCENARIOS = [(chart, name) for chart in CHARTS for name in chart.scenarios]
each_scenario = pytest.mark.parametrize(
    ("chart", "scenario"), _SCENARIOS, ids=[f"{chart.name}-{name}" for chart, name in _SCENARIOS]
)


def config_map_texts(objects: list[Object], key: str) -> list[Any]:
    """Return, read as YAML, each ConfigMap's entry of that name."""
    maps = [thing.get("data", {}) for thing in objects if thing["kind"] == "ConfigMap"]
    return [strict_yaml.document(data[key]) for data in maps if key in data]
