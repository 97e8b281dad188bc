"""A team's job that Dagster runs in several steps of one product begins once, with its first."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from epochs import key_of_last, seen_without_epochs, without_epochs
from schedule_records import run_in_location, sensor_context

from floe_core.compiler import compile_product
from floe_core.ports.ledger import Ledger
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_dagster import load_product_definitions
from floe_orchestrator_dagster.ticks.update_sensors import RunsOfJob

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
        record = json.loads(file.read_text()) if file.exists() else {}
        starts = record.get("starts", {}).get("marts", [])
        return [seen_without_epochs(start["seen"]) for start in starts]


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
    return without_epochs(asked[0].run_key or "") if asked else None


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
        key = key_of_last(Ledger(str(project.folder / "ledger")), "crm/things@1")
        assert run(definitions, "team", instance, key).success
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


def test_a_run_that_ends_before_its_first_step_is_followed_by_another_a_minute_later(
    project: Project,
) -> None:
    definitions = project.definitions(ALL)
    sensor = definitions.resolve_sensor_def("marts_updates")
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        context = dg.build_sensor_context(instance=instance)
        [asked] = sensor.evaluate_tick(context).run_requests or ()
        queued = instance.create_run_for_job(
            definitions.resolve_job_def("marts"), tags=dict(asked.tags)
        )
        instance.report_run_canceled(queued)
        skipped = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        assert skipped.run_requests == []
        assert f"run {queued.run_id} for " in (skipped.skip_message or "")
        assert "ended before it began to build" in (skipped.skip_message or "")
        soon = datetime.now(UTC) + timedelta(seconds=61)
        again = RunsOfJob(instance, "marts", "").request(asked.tags["floe/updates"], soon)
        assert isinstance(again, dg.RunRequest)
        assert again.tags["floe/updates"] == asked.tags["floe/updates"]
        assert again.run_key != asked.run_key


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.CANCELED])
def test_a_run_of_another_code_location_holds_nothing_back(
    project: Project, status: dg.DagsterRunStatus
) -> None:
    """It holds the same product, as for another environment."""
    definitions = project.definitions(ALL)
    sensor = definitions.resolve_sensor_def("marts_updates")
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        [asked] = sensor.evaluate_tick(sensor_context(instance, "here")).run_requests or ()
        run_in_location(instance, "other", status, asked.tags, "marts")
        assert sensor.evaluate_tick(sensor_context(instance, "other")).run_requests == []
        [again] = sensor.evaluate_tick(sensor_context(instance, "here")).run_requests or ()
        assert again.run_key == asked.run_key


def job_of_the_consumer() -> dg.JobDefinition:
    folder = Path(os.environ["FOLDER_OF_THE_CONSUMER"])
    return load_product_definitions("marts", folder).resolve_job_def("marts")


def test_a_run_that_is_executed_again_builds_and_has_seen_its_updates(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By "Re-execute all", and by Dagster's run retries when its worker has died at its start."""
    definitions = project.definitions(ALL)
    monkeypatch.setenv("FOLDER_OF_THE_CONSUMER", str(project.folder / "marts"))
    job = dg.reconstructable(job_of_the_consumer)
    with dg.DagsterInstance.ephemeral() as instance:

        def key_of_new_update() -> str:
            run(definitions, "crm", instance)
            return key_of_last(Ledger(str(project.folder / "ledger")), "crm/things@1")

        def execute(tags: dict[str, str], of: str = "") -> str:
            parent = dg.ReexecutionOptions(of) if of else None
            here = {"execution": {"config": {"in_process": {}}}}
            with dg.execute_job(
                job, instance, run_config=here, tags=tags, reexecution_options=parent
            ) as result:
                assert result.success
            return result.run_id

        key_of_new_update()
        run(definitions, "team", instance)
        tags = {"floe/updates": key_of_new_update()}
        execute(tags, of=execute(tags))
        assert project.starts() == [{"crm/things@1": 1}, {"crm/things@1": 2}]
        tags = {"floe/updates": key_of_new_update()}
        never_begun = instance.create_run_for_job(job_of_the_consumer(), tags=tags)
        instance.report_run_failed(never_begun)
        execute({**tags, "dagster/is_resume_retry": "true"}, of=never_begun.run_id)
        assert project.starts()[2:] == [{"crm/things@1": 3}]
        assert what_the_sensor_asks_for(definitions, instance) is None


def test_a_paused_job_is_started_by_what_came_meanwhile_once_it_is_resumed(
    project: Project,
) -> None:
    schedules = JobSchedules(CompiledArtifacts.load(project.folder / "marts"))
    before = project.definitions(ALL)
    schedules.pause("marts")
    while_paused = project.definitions(ALL)
    sensor = while_paused.resolve_sensor_def("marts_updates")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED
    with dg.DagsterInstance.ephemeral() as instance:
        run(before, "crm", instance)
        # Also where the code was loaded before the pause.
        for definitions in (before, while_paused):
            tick = definitions.resolve_sensor_def("marts_updates").evaluate_tick(
                dg.build_sensor_context(instance=instance)
            )
            assert tick.run_requests == []
            assert tick.skip_message == "the job is paused, or its environment has no schedules"
        schedules.resume("marts")
        for definitions in (before, while_paused):
            assert what_the_sensor_asks_for(definitions, instance) == "crm/things@1#1"


def test_a_ledger_that_begins_again_starts_runs_again(project: Project) -> None:
    definitions = project.definitions(ALL)
    ledger = project.folder / "ledger"
    with dg.DagsterInstance.ephemeral() as instance:
        run(definitions, "crm", instance)
        key = key_of_last(Ledger(str(ledger)), "crm/things@1")
        assert run(definitions, "team", instance, key).success
        assert what_the_sensor_asks_for(definitions, instance) is None
        ledger.rename(project.folder / "away")
        run(definitions, "crm", instance)
        assert what_the_sensor_asks_for(definitions, instance) == "crm/things@1#1"
