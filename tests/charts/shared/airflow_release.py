"""The Airflow chart, rendered to run on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from chart_values import merged
from charts import CHARTS, Chart
from free_port import free_port
from helm_engine import Object
from own_database import HOST, PASSWORD, PORT, USER
from pod_process import PodProcess, Surroundings, need_namespaces
from pods import Pod, pods
from postgres_product import compiled
from service_of_machine import Database

CHART: Chart = next(chart for chart in CHARTS if chart.name == "floe-airflow")
SECRET, SCHEDULER = "floe-airflow", "floe-floe-airflow-scheduler"
ADMIN_PASSWORD, TOKEN = "only-for-this-test", "the-scheduler's"
_SECRETS = {
    "database-password": PASSWORD,
    "fernet-key": "jaqzvN2nLSKWzqPIoEzAfZPD1UCJRIb9iRLSq1S_Uig=",
    "jwt-secret": "a-secret-of-at-least-sixty-four-bytes-that-only-this-test-ever-uses-0",
    "api-secret-key": "another-secret-of-this-test",
    "admin-password": ADMIN_PASSWORD,
    "simple-passwords": json.dumps({"admin": ADMIN_PASSWORD}),
}
_WAREHOUSE = {
    "SHOP_HOST": HOST,
    "SHOP_PORT": str(PORT),
    "SHOP_USER": USER,
    "SHOP_PASSWORD": PASSWORD,
}


@dataclass(frozen=True)
class Release:
    """A rendered release and the products in its image, before anything runs.

    `values` go over those that any run here needs, `secrets` over those of the Secret. `cluster` are
    the variables, and `certificate` the file, by which a cluster tells pods of its API.
    """

    folder: Path
    products: Path
    database: Database
    values: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    cluster: Mapping[str, str] = field(default_factory=dict)
    certificate: Path | None = None

    @cached_property
    def port(self) -> int:
        """Where the api-server listens."""
        return free_port()

    @cached_property
    def objects(self) -> list[Object]:
        """What Helm renders."""
        needed = {
            "database": {"host": HOST, "port": PORT, "user": USER, "name": self.database.name},
            "apiServer": {"port": self.port},
            "scheduler": {"healthPort": free_port()},
            "tasks": {"extraEnvFrom": [{"secretRef": {"name": "warehouse"}}]},
        }
        return CHART.objects(merged(needed, self.values))

    @cached_property
    def around(self) -> Surroundings:
        """What the pods have around them."""
        return Surroundings(
            folder=self.folder,
            objects=self.objects,
            secrets={SECRET: {**_SECRETS, **self.secrets}, "warehouse": _WAREHOUSE},
            image={"/opt/floe/products": self.products},
            services=[
                each["metadata"]["name"] for each in self.objects if each["kind"] == "Service"
            ],
            own_env=self.cluster,
            token_of={SCHEDULER: TOKEN},
            certificate=self.certificate,
        )

    def container(self, component: str, name: str = "", number: int = 0) -> PodProcess:
        """Return a container of one pod of a component, its own if none is named; not started."""
        [pod] = [each for each in pods(self.objects) if each.component == component]
        return self.container_of(pod, f"{component}-{number}", name)

    def container_of(self, pod: Pod, pod_name: str, name: str = "") -> PodProcess:
        """Return a container of any pod."""
        [found] = [
            each
            for each in (pod.containers if name else pod.spec["containers"])
            if name in ("", each["name"])
        ]
        return PodProcess(pod, found, self.around, pod_name)


def release(folder: Path, opened: Database, *names: str, **more: Any) -> Release:
    """Return a release whose image holds products of these names."""
    need_namespaces()
    for name in names:
        compiled(name, folder / "source", folder / "products", opened.name)
    return Release(folder / "pods", folder / "products", opened, **more)
