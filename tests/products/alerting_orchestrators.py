"""Orchestrators as they are deployed, used as by their pages: start a run, cancel it, ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from alert_receiver import AlertReceiver
from dagster_pages import TERMINATE, asked, launched
from dagster_process import dagster_process
from faulty_product import FaultyProduct
from free_port import free_port, is_taken
from running_prefect import RunningPrefect
from wait_for import wait_for

from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_airflow.local.service import LocalAirflow
from floe_orchestrator_dagster import DagsterPlugin

VARIABLE = "FAULT_ALERTS"
RUN = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
DAGSTER_YAML = """\
telemetry: {enabled: false}
run_monitoring: {enabled: true, poll_interval_seconds: 2}
"""


class Orchestrator(Protocol):
    """One that runs and has loaded products, each by the name of its folder."""

    def product(self, name: str) -> CompiledArtifacts:
        """Return one of the products."""

    def start(self, name: str) -> str:
        """Start a run of a product, and return its id."""

    def state(self, name: str, run_id: str) -> str:
        """Return the state of a run in the orchestrator's own word."""

    def cancel(self, name: str, run_id: str) -> None:
        """Cancel a run as a person does."""

    def page(self, name: str, run_id: str) -> str:
        """Return the address of a run's page."""


class RunningDagster:
    """A webserver and a daemon, a code location for each product."""

    def __init__(self, products: dict[str, CompiledArtifacts], url: str) -> None:
        self._products = products
        self._url = url

    def product(self, name: str) -> CompiledArtifacts:
        return self._products[name]

    def start(self, name: str) -> str:
        return launched(self._url, name, name)["runId"]

    def state(self, name: str, run_id: str) -> str:
        return str(asked(self._url, RUN, {"id": run_id})["runOrError"]["status"])

    def cancel(self, name: str, run_id: str) -> None:
        asked(self._url, TERMINATE, {"id": run_id})

    def page(self, name: str, run_id: str) -> str:
        return f"{self._url}/runs/{run_id}"


class RunningAirflow:
    """All components of an Airflow."""

    def __init__(self, products: dict[str, CompiledArtifacts], airflow: LocalAirflow) -> None:
        self._products = products
        self._airflow = airflow

    def product(self, name: str) -> CompiledArtifacts:
        return self._products[name]

    def start(self, name: str) -> str:
        return self._airflow.api.trigger(name, None, {})

    def state(self, name: str, run_id: str) -> str:
        return str(self._airflow.api.run(name, run_id)["state"])

    def cancel(self, name: str, run_id: str) -> None:
        path = f"/api/v2/dags/{name}/dagRuns/{quote(run_id)}"
        self._airflow.api.request("PATCH", path, {"state": "failed"})

    def page(self, name: str, run_id: str) -> str:
        return f"http://airflow.example/dags/{name}/runs/{quote(run_id)}"


class ServedPrefect:
    """A server, and a process that serves the flow of each product."""

    def __init__(self, products: dict[str, CompiledArtifacts], prefect: RunningPrefect) -> None:
        self._products = products
        self._prefect = prefect

    def product(self, name: str) -> CompiledArtifacts:
        return self._products[name]

    def start(self, name: str) -> str:
        return self._prefect.trigger(f"{name}/floe")

    def state(self, name: str, run_id: str) -> str:
        return str(self._prefect.run(run_id)["state"]["type"])

    def cancel(self, name: str, run_id: str) -> None:
        self._prefect.cancel(run_id)

    def page(self, name: str, run_id: str) -> str:
        return f"{self._prefect.url.removesuffix('/api')}/runs/flow-run/{run_id}"


def _compiled(
    products: dict[str, FaultyProduct], folder: Path, orchestrator: str, url: str
) -> dict[str, CompiledArtifacts]:
    return {
        name: replace(each, alerts_to=VARIABLE, url=url).compiled(
            folder / name, name, orchestrator, ""
        )
        for name, each in products.items()
    }


@contextmanager
def running_dagster(
    products: dict[str, FaultyProduct], folder: Path, receiver: AlertReceiver
) -> Iterator[Orchestrator]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    found = _compiled(products, folder, "dagster", url)
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(DAGSTER_YAML)
    ports = {name: free_port() for name in found}
    servers = [
        {"grpc_server": {"host": "127.0.0.1", "port": ports[name], "location_name": name}}
        for name in found
    ]
    (home / "workspace.yaml").write_text(json.dumps({"load_from": servers}))
    workspace = ["-w", home / "workspace.yaml"]
    code = [
        ["dagster", "api", "grpc", "--port", ports[name], "-f", a.folder / "definitions.py"]
        for name, a in found.items()
    ]
    variables = {VARIABLE: receiver.url}
    with ExitStack() as stack:
        for command in code:
            stack.enter_context(dagster_process(command, home, variables=variables))
        # A daemon that finds no code at its start looks for it again only a minute later.
        wait_for(lambda: all(map(is_taken, ports.values())), 240)
        for command in (
            ["dagster-webserver", "-p", port, *workspace],
            ["dagster-daemon", "run", *workspace],
        ):
            stack.enter_context(dagster_process(command, home, variables=variables))
        plugin = DagsterPlugin()
        plugin.configure({"url": url})
        wait_for(lambda: plugin.validate_connection().success, 240)
        yield RunningDagster(found, url)


@contextmanager
def running_airflow(
    products: dict[str, FaultyProduct], folder: Path, receiver: AlertReceiver
) -> Iterator[Orchestrator]:
    found = _compiled(products, folder, "airflow", "http://airflow.example")
    has_deadlines = any(each.deadline for each in products.values())
    with LocalAirflow(
        folder / "airflow", follows_schedules=has_deadlines, variables={VARIABLE: receiver.url}
    ) as airflow:
        for name, artifacts in found.items():
            airflow.add(artifacts, name)
        yield RunningAirflow(found, airflow)


@contextmanager
def served_prefect(
    products: dict[str, FaultyProduct], folder: Path, receiver: AlertReceiver
) -> Iterator[Orchestrator]:
    folder.mkdir(parents=True, exist_ok=True)
    prefect = RunningPrefect(folder)
    found = _compiled(products, folder, "prefect", prefect.url)
    with ExitStack() as stack:
        stack.enter_context(prefect.up())
        for artifacts in found.values():
            variables = {VARIABLE: receiver.url}
            stack.enter_context(prefect.serving(artifacts.folder, **variables))
        yield ServedPrefect(found, prefect)
