"""A team's job that Dagster runs in several steps of one product begins once, with its first."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_orchestrator_dagster import load_product_definitions

MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: PLACE, threads: 1}}
products: {crm: crm, marts: marts}
ledger: ledger
"""
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: NAME, version: 1.0.0}
platform: {manifest: ../manifest.yaml}
"""
PRODUCTS = {
    "crm": ("outputPorts: [{name: things}]\n", {"things": "select 1 as id"}),
    "marts": (
        "inputPorts: [{product: crm, port: things, version: 1}]\nschedule: {onUpdate: all}\n",
        {
            "first": "select id from {{ ref('crm', 'things') }}",
            "middle": "select id from {{ source('python', 'one') }}",
            "last": "select id from {{ source('python', 'two') }}",
        },
    ),
}
SOURCES = "sources: [{name: python, schema: main, tables: [{name: one}, {name: two}]}]\n"


class Project:
    """Products that feed each other, and assets of a team between the models of one."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.place = folder, folder / "tables.duckdb"
        self.between: Callable[[], object] = lambda: None
        (folder / "manifest.yaml").write_text(MANIFEST.replace("PLACE", str(self.place)))
        for name, (more, models) in PRODUCTS.items():
            project = (
                f"name: {name}\nversion: 1.0.0\nprofile: p\nmodels: {{+materialized: table}}\n"
            )
            files = {"floe.yaml": FLOE.replace("NAME", name) + more, "dbt_project.yml": project}
            files |= {f"models/{model}.sql": text for model, text in models.items()}
            files |= {"models/sources.yml": SOURCES} if name == "marts" else {}
            for file, text in files.items():
                (folder / name / file).parent.mkdir(parents=True, exist_ok=True)
                (folder / name / file).write_text(text)
            compile_product(folder / name)

    def definitions(self, selection: dg.AssetSelection) -> dg.Definitions:
        """Return all of it, and the team's job of a selection."""

        @dg.asset(key=["python", "one"], deps=["first"])
        def one() -> None:
            self.copy("first", "one")
            self.between()

        @dg.asset(key=["python", "two"], deps=["middle"])
        def two() -> None:
            self.copy("middle", "two")

        products = [load_product_definitions(name, self.folder / name) for name in PRODUCTS]
        job = dg.define_asset_job("team", selection=selection)
        return dg.Definitions.merge(*products, dg.Definitions(assets=[one, two], jobs=[job]))

    def copy(self, table: str, to: str) -> None:
        with duckdb.connect(str(self.place)) as warehouse:
            warehouse.execute(f"create or replace table {to} as from {table}")

    def starts(self) -> list[dict[str, int]]:
        """Return what each run of the consumer has seen, as the ledger's file says it."""
        file = self.folder / "ledger" / "marts.json"
        record = json.loads(file.read_text()) if file.exists() else {"starts": {}}
        return [start["seen"] for start in record["starts"].get("marts", [])]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


ALL = dg.AssetSelection.all() - dg.AssetSelection.assets("things")


def run(
    definitions: dg.Definitions, job: str, instance: dg.DagsterInstance, updates: str = ""
) -> dg.ExecuteInProcessResult:
    tags = {"floe/updates": updates} if updates else {}
    return definitions.resolve_job_def(job).execute_in_process(instance=instance, tags=tags)


def what_the_sensor_asks_for(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> str | None:
    """Return the key of the run that Dagster's sensor of the consumer asks for, None for no run."""
    sensor = definitions.resolve_sensor_def("marts_updates")
    [*asked] = sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests or ()
    return asked[0].run_key if asked else None


def test_an_update_between_two_steps_is_new_afterwards(project: Project) -> None:
    definitions = project.definitions(ALL)
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        project.between = lambda: run(definitions, "crm", instance)
        result = run(definitions, "team", instance)
        steps = {event.step_key for event in result.all_events if event.is_step_start}
        own = {f"marts__dbt_build{number}" for number in ("", "_2", "_3")}
        assert steps == {*own, "python__one", "python__two"}
        assert project.starts() == [{"crm/things@1": 1}]
        assert what_the_sensor_asks_for(definitions, instance) == "crm/things@1#2"


def test_a_run_that_updates_started_goes_on_with_its_later_steps(project: Project) -> None:
    definitions = project.definitions(ALL)
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        assert run(definitions, "team", instance, "crm/things@1#1").success
        assert project.starts() == [{"crm/things@1": 1}]
        assert what_the_sensor_asks_for(definitions, instance) is None


def test_a_run_of_a_few_assets_in_two_steps_sees_updates_for_no_one(project: Project) -> None:
    some = dg.AssetSelection.assets("first", ["python", "one"], "middle")
    definitions = project.definitions(some)
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        assert run(definitions, "team", instance).success
        assert project.starts() == []
        assert what_the_sensor_asks_for(definitions, instance) == "crm/things@1#1"
