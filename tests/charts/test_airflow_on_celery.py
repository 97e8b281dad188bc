"""What charts/floe-airflow renders runs products on Celery: its own commands, environment, files and
probes, as processes of this machine, on a real PostgreSQL and a real Redis.
"""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from airflow_release import release
from airflow_runs import EACH_TASK, HEALTHY, api_of, begin, has_table, states_of_tasks, wait
from memory_watch import over_their_limit, watched
from pod_process import PodProcess
from probes import KINDS, failure
from running_pods import ran, running
from service_of_machine import broker, database

pytestmark = pytest.mark.slow

SERVERS = ("api-server", "scheduler", "dag-processor", "triggerer")
ON_CELERY = {
    "executor": "CeleryExecutor",
    # One task fits into a worker: two runs at once take both.
    "workers": {"concurrency": 1},
    # A worker that is gone is missed after seconds, not after five minutes.
    "airflowConfig": {
        "scheduler": {
            "task_instance_heartbeat_sec": 2,
            "task_instance_heartbeat_timeout": 12,
            "task_instance_heartbeat_timeout_detection_interval": 2,
        }
    },
}


def test_celery_on_two_workers_runs_two_products_at_once_and_gets_over_a_lost_worker(
    tmp_path: Path,
) -> None:
    products = ("alpha", "beta")
    with database() as opened, broker() as url:
        urls = {"broker-url": url, "result-backend": url}
        ready = release(tmp_path, opened, *products, values=ON_CELERY, secrets=urls)
        in_image = files(ready.products)
        # As on an install: there is no Job.
        assert ran(ready.container("api-server", "migrate")) == ""
        servers = [ready.container(component) for component in SERVERS]
        workers = [ready.container("worker", number=number) for number in range(2)]
        pods = [*servers, *workers]
        with running(pods) as lost, watched(*pods) as most:
            assert {pod.name: failing(pod) for pod in pods} == {pod.name: {} for pod in pods}
            volumes = ["/tmp", "/opt/airflow", "/opt/floe/state"]
            assert {pod.name: places_written(pod) for pod in pods} == {
                pod.name: volumes for pod in pods
            }
            api = api_of(ready)
            assert api.health() == HEALTHY
            runs = begin(api, products)
            wait(lambda: has_table(ready, "alpha.greetings"), "the table before the last")
            # What has passed is saved every second.
            time.sleep(2.5)
            [doomed] = [pod for pod in workers if "alpha/dag.py" in pod.log.read_text()]
            lost.append(doomed)
            doomed.stop(signal.SIGKILL)
            for dag_id, run_id in runs.items():
                assert states_of_tasks(api, dag_id, run_id) == EACH_TASK
        assert over_their_limit(pods, most) == {}
        [left] = [pod for pod in workers if pod is not doomed]
        assert [pod.log.read_text().count("succeeded in") for pod in (doomed, left)] == [0, 2]
        assert built_by(left, "alpha") == ["model.hello.nap"]
        assert opened.rows("select count(*) from alpha.nap") == [(3,)]
        assert opened.rows("select count(*) from beta.nap") == [(3,)]
        assert files(ready.products) == in_image


def built_by(worker: PodProcess, product: str) -> list[str]:
    """Return the nodes of a product that dbt built in a worker, by what it left there."""
    [told] = worker.volume("state").glob(f"{product}/runs/*/attempt-*/run_results.json")
    return [each["unique_id"] for each in json.loads(told.read_text())["results"]]


def failing(pod: PodProcess) -> dict[str, str]:
    asked = {kind: failure(pod, pod.container[kind]) for kind in KINDS if kind in pod.container}
    return {kind: why for kind, why in asked.items() if why}


def places_written(pod: PodProcess) -> list[str]:
    places = ("/tmp", "/opt/airflow", "/opt/floe/state", "/", "/etc", "/opt/floe/products", "/run")
    return [
        place for place in places if pod.execute(["touch", f"{place}/written"], 10).returncode == 0
    ]


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}
