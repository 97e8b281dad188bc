"""Pools reach Airflow, its database is cleaned, and KEDA counts its tasks: with Airflow's own commands, as
they are rendered, on a real PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow_release import CHART, Release, release
from charts import config_map_texts
from helm_engine import HelmRefusedError, Object, Target, notes
from running_pods import ran
from service_of_machine import Database, database

pytestmark = pytest.mark.long

NOBODY = {"auth": {"firstUser": {"username": ""}}}
POOLS = "select pool, slots from slot_pool order by pool"
ON_KEDA = {
    "executor": "CeleryExecutor",
    "workers": {"concurrency": 2, "queues": ["default", "heavy"], "keda": {"enabled": True}},
}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Database]]:
    """Give a folder, and a database as the migrations of a release with two pools leave it."""
    folder = tmp_path_factory.mktemp("upkeep")
    (folder / "products").mkdir()
    with database() as opened:
        values = {**NOBODY, "pools": {"default_pool": 16, "the warehouse's": 2}}
        migrate(release(folder, opened, values=values))
        yield folder, opened


def migrate(ready: Release) -> None:
    assert ran(ready.container("migrations")) == ""


def test_pools_are_created_and_the_next_release_sets_their_slots(
    migrated: tuple[Path, Database],
) -> None:
    folder, opened = migrated
    assert opened.rows(POOLS) == [("default_pool", 16), ("the warehouse's", 2)]
    opened.rows(
        "insert into slot_pool (pool, slots, include_deferred) values ('own', 7, false) returning id"
    )
    values = {**NOBODY, "pools": {"the warehouse's": 5, "crm": -1}}
    migrate(release(folder, opened, values=values))
    assert opened.rows(POOLS) == [
        ("crm", -1),
        ("default_pool", 16),
        ("own", 7),
        ("the warehouse's", 5),
    ]


def test_the_first_install_sets_pools_as_an_upgrade_does() -> None:
    values = {"pools": {"warehouse": 3}}
    [job] = [each for each in CHART.objects(values) if each["kind"] == "Job"]
    [of_upgrade] = job["spec"]["template"]["spec"]["containers"]
    for hooks in (True, False):
        target = Target(is_upgrade=False)
        [server] = [
            each
            for each in CHART.objects(
                values, {"migrations": {"useHelmHooks": hooks}}, target=target
            )
            if each["kind"] == "Deployment" and each["metadata"]["name"].endswith("-api-server")
        ]
        of_install = server["spec"]["template"]["spec"]["initContainers"][0]
        assert of_install["args"] == of_upgrade["args"]
        assert pools_of(of_install) == pools_of(of_upgrade)


def test_without_migrations_the_notes_say_that_pools_are_not_set() -> None:
    for enabled in (True, False):
        values = {"pools": {"warehouse": 1}, "migrations": {"enabled": enabled}}
        told = notes(CHART.folder, values)
        assert ("The pools of the values are not set" in told) == (not enabled)


def pools_of(container: Object) -> Any:
    [found] = [each for each in container["env"] if each["name"] == "FLOE_AIRFLOW_POOLS"]
    return found["value"]


@pytest.mark.parametrize("pools", [{"warehouse": "2"}, {"warehouse": -2}, {"": 1}, ["warehouse"]])
def test_what_is_no_pool_is_refused(pools: Any) -> None:
    with pytest.raises(HelmRefusedError, match=r"pools|propertyName"):
        CHART.objects({"pools": pools})


def test_the_cleanup_deletes_what_is_older_than_the_retention(
    migrated: tuple[Path, Database],
) -> None:
    folder, opened = migrated
    for days, name in ((31, "old"), (29, "new")):
        opened.rows(
            f"insert into log (dttm, event) values (now() - interval '{days} days', '{name}') returning id"
        )
    for days, name in ((50, "first"), (40, "last")):
        add_run(opened, name, f"now() - interval '{days} days'")
    values = {**NOBODY, "databaseCleanup": {"enabled": True, "retentionDays": 30}}
    assert ran(release(folder, opened, values=values).container("db-cleanup")) == ""
    assert opened.rows("select event from log where event in ('old', 'new')") == [("new",)]
    # The last scheduled run says when the next one is due.
    assert opened.rows("select run_id from dag_run where dag_id = 'shop'") == [("last",)]
    assert (
        opened.rows("select tablename from pg_tables where tablename like '%%airflow_deleted%%'")
        == []
    )


def add_run(opened: Database, run_id: str, start: str) -> None:
    opened.rows(
        "insert into dag_run (dag_id, run_id, run_type, run_after, start_date, state) "
        f"values ('shop', '{run_id}', 'scheduled', {start}, {start}, 'success') returning id"
    )


def test_a_cleanup_that_fails_fails_its_job(migrated: tuple[Path, Database]) -> None:
    folder, opened = migrated
    values = {**NOBODY, "databaseCleanup": {"enabled": True}}
    ready = release(folder, opened, values=values)
    opened.rows("alter table xcom rename column timestamp to away; select 1")
    try:
        assert "xcom" in ran(ready.container("db-cleanup"))
    finally:
        opened.rows("alter table xcom rename column away to timestamp; select 1")


def test_archives_are_kept_if_that_is_asked_for() -> None:
    for skips in (True, False):
        values = {"databaseCleanup": {"enabled": True, "skipArchive": skips}}
        [job] = [each for each in CHART.objects(values) if each["kind"] == "CronJob"]
        [clean] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        assert ("--skip-archive" in clean["args"][2]) == skips


def test_keda_counts_the_tasks_that_wait_and_run_in_the_queues_of_the_workers(
    migrated: tuple[Path, Database],
) -> None:
    _, opened = migrated
    objects = CHART.objects(ON_KEDA, {"database": {"host": "db.example.com"}})
    [scaled] = [each for each in objects if each["kind"] == "ScaledObject"]
    [trigger] = scaled["spec"]["triggers"]
    query = trigger["metadata"]["query"]
    assert opened.rows(query) == [(0,)]
    add_run(opened, "now", "now()")
    waiting = [("queued", "default"), ("running", "default"), ("running", "heavy")]
    for number, (state, queue) in enumerate(
        [*waiting, ("success", "default"), ("queued", "other")]
    ):
        opened.rows(
            "insert into task_instance "
            "(id, task_id, dag_id, run_id, try_number, pool, pool_slots, state, queue) values "
            f"(gen_random_uuid(), 't{number}', 'shop', 'now', 1, 'default_pool', 1, '{state}', '{queue}') "
            "returning id"
        )
    # Three tasks of two at a time.
    assert opened.rows(query) == [(2,)]


def test_keda_asks_the_database_itself_and_workers_have_no_access_to_it() -> None:
    objects = CHART.objects(
        ON_KEDA, {"database": {"host": "db.example.com", "existingSecret": "db"}}
    )
    [access] = [each for each in objects if each["kind"] == "TriggerAuthentication"]
    assert access["spec"]["secretTargetRef"] == [
        {"parameter": "password", "name": "db", "key": "database-password"}
    ]
    [worker] = [pod for pod in CHART.pods(objects) if pod.component == "worker"]
    names = {each["name"] for container in worker.containers for each in container.get("env", [])}
    assert not names & {"PGPASSWORD", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"}


def test_keda_reaches_the_postgresql_of_the_release_by_its_namespace() -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}]
    policy = {"networkPolicy": {"outside": {"keda": peers}}}
    objects = CHART.objects(ON_KEDA, {"postgresql": {"enabled": True}}, policy)
    [scaled] = [each for each in objects if each["kind"] == "ScaledObject"]
    host = scaled["spec"]["triggers"][0]["metadata"]["host"]
    assert host == "floe-floe-airflow-postgresql.data.svc"
    [guard] = [
        each["spec"]
        for each in objects
        if each["kind"] == "NetworkPolicy" and each["metadata"]["name"].endswith("-postgresql")
    ]
    assert {"from": peers, "ports": [{"port": 5432, "protocol": "TCP"}]} in guard["ingress"]


def test_keda_without_a_host_of_the_database_is_refused() -> None:
    with pytest.raises(HelmRefusedError, match=r"workers\.keda .* set database\.host"):
        CHART.objects(ON_KEDA)


def test_keda_goes_before_replicas_and_the_autoscaler() -> None:
    both = {"workers": {"autoscaling": {"enabled": True}}, "database": {"host": "db"}}
    objects = CHART.objects(ON_KEDA, both)
    kinds = {each["kind"] for each in objects if each["metadata"]["name"].endswith("-worker")}
    assert "ScaledObject" in kinds
    assert "HorizontalPodAutoscaler" not in kinds
    [worker] = [
        each
        for each in objects
        if each["kind"] == "Deployment" and each["metadata"]["name"].endswith("-worker")
    ]
    assert "replicas" not in worker["spec"]


def test_the_pages_of_an_http_route_are_the_base_url_of_airflow() -> None:
    route = {"enabled": True, "hostnames": ["data.example.com"], "path": "/airflow"}
    objects = CHART.objects({"httpRoute": route})
    [server] = [pod for pod in CHART.pods(objects) if pod.component == "api-server"]
    env = {each["name"]: each.get("value") for each in server.spec["containers"][0]["env"]}
    assert env["AIRFLOW__API__BASE_URL"] == "https://data.example.com/airflow"
    assert config_map_texts(objects, "AIRFLOW__CORE__EXECUTION_API_SERVER_URL") == [
        "http://floe-floe-airflow-api-server:8080/airflow/execution/"
    ]
