from __future__ import annotations

from typing import Any

import pytest

from floe_orchestrator_airflow import AirflowPlugin


def values(helm: dict[str, Any]) -> dict[str, Any]:
    plugin = AirflowPlugin()
    plugin.configure({"helm": helm})
    return plugin.get_helm_values()


def test_the_smallest_is_a_pod_of_each_and_a_pod_a_task() -> None:
    def component(cpu: str, memory: str) -> dict[str, Any]:
        promised = {"cpu": cpu, "memory": memory}
        return {
            "replicas": 1,
            "resources": {"requests": promised, "limits": {"cpu": "", "memory": memory}},
        }

    assert values({}) == {
        "executor": "KubernetesExecutor",
        "apiServer": {**component("500m", "1Gi"), "workers": 1},
        "scheduler": component("500m", "1Gi"),
        "dagProcessor": component("500m", "768Mi"),
        "triggerer": component("250m", "768Mi"),
        "taskPods": {
            "resources": {
                "requests": {"cpu": "250m", "memory": "512Mi"},
                "limits": {"cpu": "500m", "memory": "512Mi"},
            }
        },
        "products": [],
        "scheduleStore": "",
        "openLineage": {"enabled": True, "url": ""},
        "openTelemetry": {"endpoint": ""},
    }


def test_large_has_two_of_what_all_others_wait_for() -> None:
    found = values({"size": "large"})
    assert {name: part["replicas"] for name, part in found.items() if "replicas" in part} == {
        "apiServer": 2,
        "scheduler": 2,
        "dagProcessor": 1,
        "triggerer": 1,
    }


def test_celery_has_workers_and_no_pods_of_tasks() -> None:
    products = [{"name": "shop", "image": "shop:1", "size": "large"}]
    found = values({"executor": "CeleryExecutor", "workers": {"replicas": 7}, "products": products})
    assert "taskPods" not in found
    assert found["products"] == [
        {"name": "shop", "image": {"repository": "shop", "tag": "1", "digest": ""}}
    ]
    assert found["workers"] == {
        "replicas": 7,
        "resources": {
            "requests": {"cpu": "1", "memory": "2Gi"},
            "limits": {"cpu": "", "memory": "2Gi"},
        },
        "concurrency": 5,
    }


def test_workers_follow_their_cpu_where_they_are_to() -> None:
    found = values({"executor": "CeleryExecutor", "workers": {"autoscaling": {"max_replicas": 9}}})
    assert found["workers"]["autoscaling"] == {
        "enabled": True,
        "minReplicas": 2,
        "maxReplicas": 9,
        "targetCPUUtilizationPercentage": 80,
    }
    assert "replicas" not in found["workers"]


def test_a_product_in_the_platforms_own_image_is_not_fetched() -> None:
    products = [{"name": "shop", "image": "platform:7"}, {"name": "ledger", "image": "ledger:2"}]
    assert values({"image": "platform:7", "products": products})["products"] == [
        {"name": "shop"},
        {"name": "ledger", "image": {"repository": "ledger", "tag": "2", "digest": ""}},
    ]


def test_the_port_of_a_database_with_schedules_is_open() -> None:
    found = values({"schedule_store": "postgresql://floe@db:6432/floe"})
    assert found["scheduleStore"] == "postgresql://floe@db:6432/floe"
    assert found["networkPolicy"] == {"scheduleStorePorts": [443, 6432]}
    assert "networkPolicy" not in values({"schedule_store": "s3://acme/schedules"})


@pytest.mark.parametrize("place", ["env:SCHEDULES", "postgresql://floe:secret@db/floe"])
def test_a_store_that_is_a_reference_or_has_a_password_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="FLOE_SCHEDULE_STORE from a Secret") as raised:
        values({"schedule_store": place})
    assert "secret@" not in str(raised.value)
