"""The Airflow chart, rendered to run on this machine."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from chart_values import merged
from charts import CHARTS, Chart
from helm_engine import ROOT, Object
from local_pod import Cluster, LocalPod
from pods import Pod, pods
from service_of_machine import HOST, PASSWORD, PORT, USER, Database

[CHART] = [chart for chart in CHARTS if chart.name == "floe-airflow"]
SECRET = "floe-airflow"
ADMIN_PASSWORD = "only-for-this-test"


@dataclass(frozen=True)
class Release:
    """A rendered release and the products in its image, before anything runs.

    `values` go over those that any run here needs.
    """

    folder: Path
    products: Path
    database: Database
    values: Mapping[str, Any]
    secrets: Mapping[str, Mapping[str, str]]

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
        return chart().objects(merged(needed, self.values))

    @cached_property
    def cluster(self) -> Cluster:
        """What the pods have around them."""
        secret = {
            "database-password": PASSWORD,
            "fernet-key": "jaqzvN2nLSKWzqPIoEzAfZPD1UCJRIb9iRLSq1S_Uig=",
            "jwt-secret": "a-secret-of-at-least-sixty-four-bytes-that-only-this-test-ever-uses-0",
            "api-secret-key": "another-secret-of-this-test",
            "admin-password": ADMIN_PASSWORD,
            "simple-passwords": json.dumps({"admin": ADMIN_PASSWORD}),
        }
        warehouse = {
            "SHOP_HOST": HOST,
            "SHOP_PORT": str(PORT),
            "SHOP_USER": USER,
            "SHOP_PASSWORD": PASSWORD,
        }
        secrets = {SECRET: {**secret, **self.secrets.get(SECRET, {})}, "warehouse": warehouse}
        image = {"/opt/floe/products": self.products}
        return Cluster(self.folder, self.objects, secrets, image, Path(sys.executable).parent)

    def pod_of(self, component: str) -> Pod:
        """Return the pod of a component as it is rendered."""
        [found] = [pod for pod in pods(self.objects) if pod.component == component]
        return found

    def pod(self, component: str, number: int = 0) -> LocalPod:
        """Return one pod of a component, not started yet."""
        return self.cluster.pod(self.pod_of(component), f"{component}-{number}")


def chart() -> Chart:
    """Return the chart."""
    return CHART


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


EXAMPLES = ROOT / "examples"
