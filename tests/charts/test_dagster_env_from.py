"""ConfigMaps and Secrets as environment reach the containers of Dagster that they are meant for."""

from __future__ import annotations

import json
from typing import Any

import kubernetes_schemas
import pytest
from charts import CHARTS
from helm_engine import Object

pytestmark = pytest.mark.long

CHART = next(chart for chart in CHARTS if chart.name == "floe-dagster")


def secret(name: str) -> dict[str, Any]:
    return {"secretRef": {"name": name}}


COMPONENTS = ("webserver", "daemon", "codeServers", "runs", "migrations")
VALUES: dict[str, Any] = {
    "extraEnvFrom": [secret("all")],
    **{key: {"extraEnvFrom": [secret(f"all-{key.lower()}")]} for key in COMPONENTS},
    "codeLocations": [
        {
            "name": "shop",
            "extraEnvFrom": [secret("shop")],
            "runs": {"extraEnvFrom": [secret("shop-runs")]},
        }
    ],
}


def sources(container: Object) -> list[str]:
    return [each["secretRef"]["name"] for each in container.get("envFrom", [])]


def test_each_container_has_those_of_all_then_of_its_component_then_of_its_code_location() -> None:
    objects = CHART.objects(VALUES)
    assert kubernetes_schemas.problems(objects, "1.32.0") == []
    found = {
        (pod.component, container["name"]): sources(container)
        for pod in CHART.pods(objects)
        for container in pod.containers
    }
    assert found == {
        ("webserver", "wait-for-postgres"): ["all", "all-webserver"],
        ("webserver", "webserver"): ["all", "all-webserver"],
        ("daemon", "wait-for-postgres"): ["all", "all-daemon"],
        ("daemon", "daemon"): ["all", "all-daemon"],
        ("code-server", "code-server"): ["all", "all-codeservers", "shop"],
        ("migrations", "wait-for-postgres"): ["all", "all-migrations"],
        ("migrations", "migrate"): ["all", "all-migrations"],
        # As Dagster's own launcher makes it.
        ("run", "dagster"): ["all", "all-runs", "shop-runs"],
    }


def test_without_hooks_the_daemons_init_container_migrates_with_those_of_migrations() -> None:
    objects = CHART.objects(VALUES, {"migrations": {"useHelmHooks": False}})
    [daemon] = [pod for pod in CHART.pods(objects) if pod.component == "daemon"]
    found = {each["name"]: sources(each) for each in daemon.containers}
    assert found["migrate"] == ["all", "all-migrations"]
    assert found["daemon"] == ["all", "all-daemon"]


def test_a_run_may_have_those_of_its_code_location_and_no_tag_adds_more_unless_it_has_some() -> (
    None
):
    for values, is_open in ((VALUES, True), ({"codeLocations": [{"name": "shop"}]}, False)):
        [text] = [
            each["data"]["dagster.yaml"]
            for each in CHART.objects(values)
            if "dagster.yaml" in each.get("data", {})
            and "run_launcher" in each["data"]["dagster.yaml"]
        ]
        [allowed] = [
            line for line in text.splitlines() if line.strip().startswith("container_config: {")
        ]
        fields = json.loads(allowed.partition(": ")[2])
        assert ("env_from" in fields) == is_open
