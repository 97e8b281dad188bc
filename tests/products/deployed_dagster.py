"""Dagster as it is deployed: a code server, a webserver and a daemon, with PostgreSQL and a queue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from dagster_pages import asked, launched
from dagster_process import dagster_process
from faulty_product import FaultyProduct
from free_port import free_port, is_taken
from own_database import SERVER, compute, own_database
from wait_for import wait_for

from floe_orchestrator_dagster import DagsterPlugin

LOCATION = "shop"
DAGSTER_YAML = """\
storage:
  postgres:
    postgres_db:
      scheme: postgresql+psycopg2
      hostname: {host}
      port: {port}
      username: {user}
      password: {{env: FLOE_TEST_PASSWORD}}
      db_name: {database}
run_coordinator:
  module: dagster.core.run_coordinator
  class: QueuedRunCoordinator
  config: {{dequeue_interval_seconds: 1}}
concurrency:
  runs:
    max_concurrent_runs: 5
telemetry: {{enabled: false}}
"""
# Runs of one product wait for each other in the queue.
LIMIT = """\
    tag_concurrency_limits:
      - {key: floe/product, value: {applyLimitPerUniqueValue: true}, limit: 1}
"""
WORKSPACE = "load_from: [{{grpc_server: {{host: 127.0.0.1, port: {}, location_name: {}}}}}]\n"
STATUSES = "{ runsOrError { ... on Runs { results { runId status } } } }"
OVER = {"SUCCESS", "FAILURE", "CANCELED"}


@dataclass(frozen=True)
class DeployedDagster:
    """Where it answers, and its DAGSTER_HOME."""

    url: str
    home: Path

    def launch(self, job: str) -> str:
        """Launch a job as the pages do, and return the status that its run has then."""
        return launched(self.url, LOCATION, job)["status"]

    def launch_tick(self, job: str, tick: str) -> str:
        """Launch a job with the tags of a schedule's run for a tick; return the run's id."""
        tags = {"dagster/schedule_name": f"{job}_schedule", "floe/nominal_time": tick}
        return launched(self.url, LOCATION, job, tags)["runId"]

    def statuses(self) -> dict[str, str]:
        """Return run id -> status of all runs, once each is over."""
        deadline = time.monotonic() + 180
        while True:
            results = asked(self.url, STATUSES, {})["runsOrError"]["results"]
            found = {each["runId"]: each["status"] for each in results}
            if set(found.values()) <= OVER:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.3)


@contextmanager
def deployed(
    product: Path, database: str, home: Path, limit: str = LIMIT
) -> Iterator[DeployedDagster]:
    """Give a Dagster that has loaded a compiled product, for the length of the block."""
    home.mkdir()
    code_port, port = free_port(), free_port()
    settings = DAGSTER_YAML.format(**SERVER, database=database)
    (home / "dagster.yaml").write_text(settings.replace("telemetry:", f"{limit}telemetry:"))
    (home / "workspace.yaml").write_text(WORKSPACE.format(code_port, LOCATION))
    workspace = ["--workspace", home / "workspace.yaml"]
    definitions = ["--python-file", product / "definitions.py", "--working-directory", product]
    found = DeployedDagster(f"http://127.0.0.1:{port}", home)
    with ExitStack() as stack:
        code = ["dagster", "api", "grpc", "--port", code_port, *definitions]
        stack.enter_context(dagster_process(code, home))
        # A daemon that finds no code at its start looks for it again only a minute later.
        wait_for(lambda: is_taken(code_port), 120)
        for command in (
            ["dagster-webserver", "--port", port, *workspace],
            ["dagster-daemon", "run", *workspace],
        ):
            stack.enter_context(dagster_process(command, home))
        _wait_until_well(found.url)
        yield found


@contextmanager
def deployed_on_postgres(
    folder: Path, middle: str, limit: str = LIMIT
) -> Iterator[tuple[DeployedDagster, str]]:
    """Give a Dagster with the product `pg-shop`, and the database of them both.

    `middle` is the SQL of its model of that name.
    """
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("FLOE_TEST_PASSWORD", SERVER["password"])
        database = stack.enter_context(own_database())
        product = FaultyProduct(middle, compute=compute(database, "shop"))
        product.compiled(folder / "shop", "pg-shop", "dagster", "")
        home = folder / "home"
        yield stack.enter_context(deployed(folder / "shop", database, home, limit)), database


def _wait_until_well(url: str) -> None:
    """Wait until the code location is loaded and the daemons have their heartbeats."""
    plugin = DagsterPlugin()
    plugin.configure({"url": url})
    deadline = time.monotonic() + 120
    while not (told := plugin.validate_connection()).success:
        assert time.monotonic() < deadline, told
        time.sleep(0.3)
