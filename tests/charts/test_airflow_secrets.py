"""Each pod of charts/floe-airflow has the secrets that it needs, and code of products has none."""

from __future__ import annotations

import re

import pytest
from airflow_release import CHART
from helm_engine import Object, Values
from pods import Pod

DATABASE, PASSWORD = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "PGPASSWORD"
FERNET, JWT, SESSIONS = (
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__API__SECRET_KEY",
)
BROKER, RESULTS = "AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__RESULT_BACKEND"
LINEAGE, HEADERS = "OPENLINEAGE_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS"
WAREHOUSE = "all of warehouse"
KEYS = {
    "openLineage": {"url": "https://lineage", "apiKey": {"existingSecret": "lineage"}},
    "openTelemetry": {"endpoint": "https://otlp", "headers": {"existingSecret": "otlp"}},
}


def secrets_of(*values: Values) -> dict[str, set[str]]:
    return {
        pod.component: {name for each in pod.containers for name in taken(each)} | mounted(pod)
        for pod in CHART.pods(CHART.objects(*values))
    }


def taken(container: Object) -> set[str]:
    named = {
        each["name"]
        for each in container.get("env", [])
        if "secretKeyRef" in each.get("valueFrom", {})
    }
    whole = [
        each["secretRef"]["name"] for each in container.get("envFrom", []) if "secretRef" in each
    ]
    return named | {f"all of {name}" for name in whole}


def mounted(pod: Pod) -> set[str]:
    return {f"volume {each['name']}" for each in pod.spec["volumes"] if "secret" in each}


def test_pods_of_tasks_have_the_keys_of_backends_and_the_warehouses() -> None:
    assert secrets_of(CHART.folder / "examples" / "large.yaml", KEYS) == {
        "api-server": {PASSWORD, FERNET, JWT, SESSIONS, HEADERS, "FIRST_USER_PASSWORD"},
        "scheduler": {PASSWORD, FERNET, JWT, HEADERS},
        "dag-processor": {PASSWORD, FERNET, HEADERS},
        "triggerer": {PASSWORD, FERNET, HEADERS},
        "migrations": {PASSWORD, HEADERS, "FIRST_USER_PASSWORD"},
        "task": {LINEAGE, HEADERS, WAREHOUSE},
    }


def test_workers_have_the_broker_and_no_database() -> None:
    assert secrets_of(CHART.folder / "examples" / "celery.yaml") == {
        "api-server": {PASSWORD, FERNET, JWT, SESSIONS, "FIRST_USER_PASSWORD"},
        "scheduler": {PASSWORD, FERNET, JWT, BROKER, RESULTS},
        "dag-processor": {PASSWORD, FERNET},
        "triggerer": {PASSWORD, FERNET},
        "migrations": {PASSWORD, "FIRST_USER_PASSWORD"},
        "worker": {BROKER, RESULTS, WAREHOUSE},
    }


def test_passwords_of_the_simple_list_reach_the_api_server_alone() -> None:
    found = secrets_of(CHART.folder / "examples" / "development.yaml")
    assert [name for name, secrets in found.items() if "volume passwords" in secrets] == [
        "api-server"
    ]
    assert found["postgresql"] == {"POSTGRES_PASSWORD"}


def test_a_whole_url_is_taken_from_its_secret() -> None:
    found = secrets_of(CHART.folder / "examples" / "external-services.yaml")
    assert found["scheduler"] == {DATABASE, FERNET, JWT, HEADERS}


@pytest.mark.parametrize("scenario", CHART.scenarios)
def test_no_secret_is_rendered(scenario: str) -> None:
    objects = CHART.objects(CHART.scenarios[scenario])
    assert [each for each in objects if each["kind"] == "Secret"] == []


def test_the_readme_makes_the_secret_with_every_key_that_the_defaults_take() -> None:
    text = (CHART.folder / "README.md").read_text()
    made = set(re.findall(r"--from-literal=([\w-]+)=", text))
    references = [
        variable["valueFrom"]["secretKeyRef"]
        for pod in CHART.pods(CHART.objects())
        for container in pod.containers
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    ]
    assert {each["name"] for each in references} == {"floe-airflow"}
    assert made == {each["key"] for each in references}
