"""Runs launched from the command line are Dagster's own, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pytest
from dagster import (
    DagsterInstance,
    DagsterInvalidConfigError,
    DagsterRunStatus,
    ReexecutionOptions,
    execute_job,
)
from dagster._core.definitions.reconstruct import ReconstructableJob
from dagster._core.workspace.load_target import WorkspaceFileTarget
from wait_for import wait_for

from floe_core.execution import NodeResult, NodeStarted
from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.plugin_api.powers import RunOptions
from floe_core.runs.run_parameters import RunParameters
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.loader import load_product_definitions
from floe_orchestrator_dagster.local.run_record import end_of
from floe_orchestrator_dagster.names.asset_map import asset_map_of

SLOW = "select count(*) as n from range(3000000) a, range(300000) b where a.range % 7 = b.range % 5"


def statuses(report):
    return {node_id.split(".")[2]: result.status for node_id, result in report.nodes.items()}


def instance_of(artifacts):
    return DagsterInstance.from_config(str(artifacts.project_dir / ".floe" / "dagster"))


def launch(artifacts, on_event=lambda event: None, **options):
    return DagsterPlugin().launch_run(artifacts, RunOptions("hello", **options), on_event)


@pytest.fixture(scope="module")
def hello(example):
    return example("hello")


@pytest.fixture(scope="module")
def first_run(hello):
    """Build the product, and return what the run said at its end and on its way."""
    heard = []
    return launch(hello, heard.append, nominal_time=datetime(2026, 3, 1, 6, tzinfo=UTC)), heard


def test_a_launched_run_is_in_the_instance_with_its_tags(hello, first_run, tables):
    report, heard = first_run
    assert report.status == "success"
    assert statuses(report) == {
        "people": "success",
        "stg_people": "success",
        "greetings": "success",
        "unique_greetings_id": "pass",
        "not_null_greetings_id": "pass",
    }
    assert [e for e in heard if isinstance(e, NodeResult)] == list(report.nodes.values())
    assert tables(hello) == {"people", "stg_people", "greetings"}
    with instance_of(hello) as instance:
        run = instance.get_run_by_id(report.run_id)
    assert (run.status, run.job_name) == (DagsterRunStatus.SUCCESS, "hello")
    assert run.tags["floe/product"] == run.tags["floe/job"] == "hello"
    assert run.tags["floe/nominal_time"] == "2026-03-01T06:00:00+00:00"


@pytest.mark.usefixtures("first_run")
def test_a_selection_runs_these_nodes_alone_checks_without_their_assets_too(hello):
    test_id = next(node.unique_id for node in hello.nodes if node.name == "unique_greetings_id")
    report = launch(hello, node_ids=(test_id,))
    assert (report.status, statuses(report)) == ("success", {"unique_greetings_id": "pass"})
    report = launch(hello, node_ids=("model.hello.stg_people",))
    assert (report.status, statuses(report)) == ("success", {"stg_people": "success"})


@pytest.mark.parametrize(
    ("node_ids", "message"),
    [
        ((), "the selection holds no node, so there is nothing to run"),
        (("model.hello.none",), "hello runs no node model.hello.none"),
    ],
)
def test_a_selection_of_nothing_is_refused(hello, node_ids, message):
    with pytest.raises(UsageError) as caught:
        launch(hello, node_ids=node_ids)
    assert str(caught.value) == message


def test_a_contradiction_between_dagster_and_dbt_makes_the_run_failed(hello):
    report = launch(hello)
    nodes = dict(report.nodes)
    del nodes["model.hello.greetings"]
    test_id = next(node_id for node_id in nodes if "unique_greetings_id" in node_id)
    nodes[test_id] = NodeResult(test_id, "warn")
    with instance_of(hello) as instance:
        end = end_of(instance, report.run_id, nodes, asset_map_of(hello))
    assert (end.status, end.message) == (
        "failed",
        "Dagster and dbt disagree: greetings was built according to Dagster alone; "
        "the check greetings:unique_greetings_id has another outcome",
    )


@pytest.fixture(scope="module")
def slow(compiled):
    return compiled({"models/quick.sql": "select 1 as id", "models/slow.sql": SLOW})


def processes_of(artifacts) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    pids = [line.split()[0] for line in listed.stdout.splitlines() if "launched_run" in line]
    folder = str(artifacts.project_dir)
    return [pid for pid in pids if os.path.realpath(f"/proc/{pid}/cwd") == folder]


def test_ctrl_c_cancels_the_run_and_leaves_no_process(slow):
    def interrupt(event):
        if isinstance(event, NodeStarted) and event.unique_id == "model.shop.slow":
            time.sleep(0.5)
            raise KeyboardInterrupt

    options = RunOptions("web-shop")
    with pytest.raises(KeyboardInterrupt):
        DagsterPlugin().launch_run(slow, options, interrupt)
    assert processes_of(slow) == []
    with instance_of(slow) as instance:
        [run, *_] = instance.get_runs()
    assert run.status is DagsterRunStatus.CANCELED


def test_a_parent_that_is_killed_takes_the_run_with_it(slow):
    code = (
        "import sys;"
        "from floe_core.schemas import CompiledArtifacts;"
        "from floe_core.plugin_api.powers import RunOptions;"
        "from floe_orchestrator_dagster import DagsterPlugin;"
        "DagsterPlugin().launch_run(CompiledArtifacts.load(sys.argv[1]), RunOptions('web-shop'),"
        " lambda event: print(event, flush=True))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(slow.project_dir)], stdout=subprocess.PIPE, text=True
    )
    for line in parent.stdout:
        if "NodeStarted" in line and "slow" in line:
            break
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not processes_of(slow))


def test_a_process_that_dies_is_told_with_what_it_wrote(hello, monkeypatch):
    monkeypatch.setattr("floe_orchestrator_dagster.local.launch.MODULE", "no_such_module")
    with pytest.raises(EnvironmentProblemError, match="No module named no_such_module"):
        launch(hello)


def test_dagsters_pages_have_the_run_in_a_code_location_of_the_products_name(hello):
    report = launch(hello)
    home = hello.project_dir / ".floe" / "dagster"
    assert report.look_further[0].endswith(f"dagster dev -w {home / 'workspace.yaml'}")
    [origin] = WorkspaceFileTarget(paths=[str(home / "workspace.yaml")]).create_origins()
    with instance_of(hello) as instance:
        run = instance.get_run_by_id(report.run_id)
    of_run = run.remote_job_origin.repository_origin.code_location_origin
    assert of_run.location_name == origin.location_name == "hello"
    assert origin.loadable_target_origin.python_file == str(hello.project_dir / "definitions.py")


GROWING = (
    "{{ config(materialized='incremental') }} select 1 as id, "
    "'{{ var('word', 'none') }}' as word, '{{ flags.EMPTY }}' as empty"
)
STEP = "web_shop__dbt_build"


@pytest.fixture(scope="module")
def growing(compiled):
    return compiled({"models/grows.sql": GROWING, "models/other.sql": "select 1 as id"})


def run_query(artifacts, query):
    [file] = artifacts.project_dir.glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def test_the_parameters_of_a_run_are_its_run_config(growing):
    given = RunParameters(full_refresh=True, vars={"word": "told"})
    for _ in range(2):
        report = DagsterPlugin().launch_run(
            growing, RunOptions("web-shop", parameters=given), lambda event: None
        )
        assert report.status == "success"
    assert run_query(growing, "select id, word from grows") == [(1, "told")]
    with instance_of(growing) as instance:
        run = instance.get_run_by_id(report.run_id)
        assert run.run_config["ops"] == {
            STEP: {"config": {"full_refresh": True, "vars": {"word": "told"}}}
        }


def test_an_execution_again_from_failure_keeps_the_parameters(compiled):
    reads = "select '{{ var('word') }}' as w, '{{ flags.FULL_REFRESH }}' as f from loaded_elsewhere"
    product = compiled({"models/grows.sql": reads, "models/other.sql": GROWING}, "vars: {word: y}")
    options = RunOptions(
        "web-shop", parameters=RunParameters(full_refresh=True, vars={"word": "x"})
    )
    first = DagsterPlugin().launch_run(product, options, lambda event: None)
    assert statuses(first) == {"grows": "error", "other": "success"}
    [warehouse] = product.project_dir.glob("*.duckdb")
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table loaded_elsewhere as select 1 as id")
    file = product.project_dir / "again.py"
    file.write_text(
        "from floe_orchestrator_dagster.loader import load_product_definitions\n"
        f"def job(): return load_product_definitions('web-shop', {str(product.project_dir)!r})"
        ".resolve_job_def('web_shop')\n"
    )
    with instance_of(product) as instance:
        again = execute_job(
            ReconstructableJob.for_file(str(file), "job"),
            instance,
            reexecution_options=ReexecutionOptions.from_failure(first.run_id, instance),
        )
    assert again.success
    assert run_query(product, "select w, f from grows") == [("x", "True")]


def job_of(artifacts):
    return load_product_definitions("web-shop", artifacts.project_dir).resolve_job_def("web_shop")


def test_the_launchpad_narrows_a_run_by_a_selection(growing):
    config = {"ops": {STEP: {"config": {"exclude": "other", "resource_types": ["model"]}}}}
    with instance_of(growing) as instance:
        result = job_of(growing).execute_in_process(run_config=config, instance=instance)
    assert [e.asset_key.path for e in result.get_asset_materialization_events()] == [["grows"]]


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"full_refesh": True}, 'Received unexpected config entry "full_refesh"'),
        (
            {"full_refresh": "yes"},
            "Invalid scalar at path root:ops:web_shop__dbt_build:config:full",
        ),
        ({"resource_types": ["seeds"]}, "not in enum type ResourceType got seeds"),
    ],
)
def test_the_launchpad_refuses_what_is_no_parameter(growing, config, message):
    with pytest.raises(DagsterInvalidConfigError) as caught:
        job_of(growing).execute_in_process(run_config={"ops": {STEP: {"config": config}}})
    assert message in str(caught.value)


def test_a_selection_of_nothing_fails_the_run_without_retries(growing):
    config = {"ops": {STEP: {"config": {"select": "nothing"}}}}
    result = job_of(growing).execute_in_process(run_config=config, raise_on_error=False)
    [failed] = [event for event in result.all_events if event.is_step_failure]
    assert "--select nothing: selects no node of web-shop" in str(failed.step_failure_data.error)


def test_every_parameter_is_described_in_the_launchpad(growing):
    fields = job_of(growing).get_node_named(STEP).definition.config_field.config_type.fields
    assert {name: field.description for name, field in fields.items()} == {
        name: field.description for name, field in RunParameters.model_fields.items()
    }
