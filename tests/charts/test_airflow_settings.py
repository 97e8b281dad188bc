"""What charts/floe-airflow tells Airflow, and when it migrates the database."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow_release import CHART
from helm_engine import Object, Target


def settings(values: dict[str, Any]) -> dict[str, str]:
    [found] = [
        each["data"]
        for each in CHART.objects(values)
        if each["kind"] == "ConfigMap" and each["metadata"]["name"].endswith("-settings")
    ]
    return dict(found)


def test_settings_of_the_user_win() -> None:
    given = {"core": {"load_examples": True, "parallelism": 64}, "metrics": {"statsd_host": "a:b"}}
    found = settings({"airflowConfig": given})
    names = ("CORE__LOAD_EXAMPLES", "CORE__PARALLELISM", "METRICS__STATSD_HOST")
    assert [found[f"AIRFLOW__{name}"] for name in names] == ["true", "64", "a:b"]


def test_without_products_the_whole_folder_of_the_image_is_a_bundle() -> None:
    assert bundles({}) == [local("floe-products", "/opt/floe/products")]


def test_each_product_is_a_bundle_where_its_image_puts_it() -> None:
    products = [{"name": "shop"}, {"name": "ledger", "image": {"repository": "l", "tag": "1"}}]
    git = {"name": "more", "classpath": "acme.Git", "kwargs": {"branch": "main"}}
    assert bundles({"products": products, "extraDagBundles": [git]}) == [
        local("shop", "/opt/floe/products/shop"),
        local("ledger", "/opt/floe/fetched/ledger"),
        git,
    ]


def bundles(values: dict[str, Any]) -> Any:
    return json.loads(settings(values)["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])


def local(name: str, path: str) -> dict[str, Any]:
    return {
        "name": name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": path, "refresh_interval": 300},
    }


def migration(values: dict[str, Any]) -> Object:
    objects = CHART.objects(values, target=Target(is_upgrade=True))
    [job] = [each for each in objects if each["kind"] == "Job"]
    return job


def first_of_api_server(values: dict[str, Any], *, is_upgrade: bool) -> dict[str, Any]:
    objects = CHART.objects(values, target=Target(is_upgrade=is_upgrade))
    [server] = [
        each
        for each in objects
        if each["kind"] == "Deployment" and each["metadata"]["name"].endswith("-api-server")
    ]
    first: dict[str, Any] = server["spec"]["template"]["spec"]["initContainers"][0]
    return first


def test_an_upgrade_migrates_before_any_pod_changes() -> None:
    assert migration({})["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-upgrade",
        "helm.sh/hook-weight": "0",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }


@pytest.mark.parametrize(
    ("uses_hooks", "is_upgrade"), [(True, False), (False, False), (False, True)]
)
def test_without_a_hook_the_api_server_migrates_and_no_job_does(
    uses_hooks: bool, is_upgrade: bool
) -> None:
    values = {"migrations": {"useHelmHooks": uses_hooks}}
    target = Target(is_upgrade=is_upgrade)
    assert "Job" not in {each["kind"] for each in CHART.objects(values, target=target)}
    assert first_of_api_server(values, is_upgrade=is_upgrade)["args"][:3] in (
        ["airflow", "db", "migrate"],
        ["sh", "-c", migration({})["spec"]["template"]["spec"]["containers"][0]["args"][2]],
    )


def test_where_migrations_are_off_the_api_server_waits_as_the_others_do() -> None:
    values = {"migrations": {"enabled": False}}
    assert first_of_api_server(values, is_upgrade=True)["name"] == "wait-for-migrations"


def test_a_job_that_does_something_else_is_another_one() -> None:
    names = {
        migration(values)["metadata"]["name"]
        for values in ({}, {"image": {"tag": "2"}}, {"airflowConfig": {"core": {"parallelism": 1}}})
    }
    assert len(names) == 3


def test_a_migration_reads_no_config_map_of_the_version_before() -> None:
    [container] = migration({})["spec"]["template"]["spec"]["containers"]
    assert "envFrom" not in container
    told = {each["name"]: each.get("value") for each in container["env"]}
    assert settings({}).items() <= told.items()


def test_a_user_id_without_a_name_can_run_airflow(tmp_path: Path) -> None:
    """As on OpenShift; `airflow db migrate` refuses to run as nobody."""
    nameless = ["unshare", "--user", "--map-user=12345", "--map-group=12345"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*nameless, "true"], check=False).returncode
    ):
        pytest.skip("no user namespace can be made here")
    told = settings({}) | {"AIRFLOW_HOME": str(tmp_path), "HOME": str(tmp_path)}
    program = "import os; from airflow.utils.platform import getuser; print(os.getuid(), getuser())"
    command = [*nameless, sys.executable, "-c", program]
    done = subprocess.run(command, env=told, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "12345 floe", done.stderr
