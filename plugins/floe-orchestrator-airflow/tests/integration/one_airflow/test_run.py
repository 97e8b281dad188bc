"""Runs through a real Airflow: its scheduler, executor, triggerer and API."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from wait_for import wait_for
from warm_floe import floe

from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunOptions, RunReport
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_airflow import AirflowPlugin
from floe_orchestrator_airflow.local.components import read_components
from floe_orchestrator_airflow.local.home import USER
from floe_orchestrator_airflow.local.launch import run_in
from floe_orchestrator_airflow.local.service import LocalAirflow

PASSWORD = "FLOE_TEST_PASSWORD"
Make = Callable[..., CompiledArtifacts]
Ask = Callable[..., list[tuple]]


def run(
    airflow: LocalAirflow, artifacts: CompiledArtifacts, **options: object
) -> tuple[RunReport, list[BuildEvent]]:
    events: list[BuildEvent] = []
    chosen = RunOptions(job=artifacts.product.name, **options)  # type: ignore[arg-type]
    return run_in(airflow, artifacts, chosen, events.append), events


def statuses(report: RunReport) -> dict[str, str]:
    return {i.split(".")[2]: result.status for i, result in report.nodes.items()}


def tasks(airflow: LocalAirflow, dag_id: str, run_id: str) -> dict[str, tuple[str, int]]:
    found = airflow.api.task_instances(dag_id, run_id)
    return {task["task_id"]: (task["state"], task["try_number"]) for task in found}


def wait_for_end(airflow: LocalAirflow, dag_id: str, run_id: str) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        state = airflow.api.run(dag_id, run_id)["state"]
        if state in ("success", "failed"):
            return str(state)
        time.sleep(0.3)
    raise AssertionError(f"the run did not end; tasks: {tasks(airflow, dag_id, run_id)}")


def asset_events(airflow: LocalAirflow, dag_id: str, run_id: str) -> dict[str, dict]:
    """Return asset URI -> what its event of this run tells."""
    query = f"source_dag_id={dag_id}&source_run_id={quote(run_id, safe='')}"
    found = airflow.api.request("GET", f"/api/v2/assets/events?{query}")["asset_events"]
    return {event["uri"]: event["extra"] for event in found}


def test_a_run_builds_the_product_and_shows_every_node(
    airflow: LocalAirflow, hello: CompiledArtifacts, ask_warehouse: Ask
) -> None:
    nominal = datetime(2026, 1, 5, 6, tzinfo=UTC)
    report, events = run(airflow, hello, nominal_time=nominal)
    assert (report.status, report.message) == ("success", "")
    assert statuses(report) == {
        "people": "success",
        "stg_people": "success",
        "greetings": "success",
        "unique_greetings_id": "pass",
        "not_null_greetings_id": "pass",
    }
    assert tasks(airflow, "hello", report.run_id) == {
        "dbt_build": ("success", 1),
        "people": ("success", 1),
        "stg_people": ("success", 1),
        "greetings": ("success", 1),
        "unique_greetings_id": ("success", 1),
        "not_null_greetings_id": ("success", 1),
        "outcome": ("success", 1),
    }
    assert events[-1] == BuildEnded(succeeded=True)
    assert {e.unique_id for e in events if isinstance(e, NodeResult)} == set(report.nodes)
    assert ask_warehouse(hello, "select * from greetings order by id") == [
        (1, "Hello, Ada!"),
        (2, "Hello, Grace!"),
        (3, "Hello, Edsger!"),
    ]
    logical_date = airflow.api.run("hello", report.run_id)["logical_date"]
    assert datetime.fromisoformat(logical_date) == nominal


def test_the_same_nominal_time_can_be_run_again(
    airflow: LocalAirflow, hello: CompiledArtifacts
) -> None:
    nominal = datetime(2026, 1, 6, 6, tzinfo=UTC)
    first, _ = run(airflow, hello, nominal_time=nominal)
    second, _ = run(airflow, hello, nominal_time=nominal)
    assert (first.status, second.status) == ("success", "success")


def test_each_message_of_a_node_is_once_in_the_log_of_its_own_task(
    airflow: LocalAirflow, hello: CompiledArtifacts
) -> None:
    report, _ = run(airflow, hello)
    logs = {
        task_id: airflow.api.log("hello", report.run_id, task_id)
        for task_id in tasks(airflow, "hello", report.run_id)
    }
    message = "OK created sql table model main.greetings"
    assert {name: text.count(message) for name, text in logs.items() if message in text} == {
        "greetings": 1
    }
    assert "Found 2 models" in logs["dbt_build"]


def test_every_relation_tells_who_waits_for_it(
    airflow: LocalAirflow, hello: CompiledArtifacts
) -> None:
    report, _ = run(airflow, hello)
    told = asset_events(airflow, "hello", report.run_id)
    assert set(told) == {
        "floe://hello/people",
        "floe://hello/stg_people",
        "floe://hello/greetings",
    }
    assert {extra["status"] for extra in told.values()} == {"success"}
    assert told["floe://hello/people"]["rows"] == 3


def test_a_run_of_some_nodes_builds_these_and_skips_the_rest(
    airflow: LocalAirflow, hello: CompiledArtifacts
) -> None:
    ids = ("model.hello.stg_people", "seed.hello.people")
    report, _ = run(airflow, hello, node_ids=ids)
    assert (report.status, statuses(report)) == (
        "success",
        {"people": "success", "stg_people": "success"},
    )
    shown = tasks(airflow, "hello", report.run_id)
    assert {name for name, (state, _) in shown.items() if state == "skipped"} == {
        "greetings",
        "unique_greetings_id",
        "not_null_greetings_id",
    }
    told = asset_events(airflow, "hello", report.run_id)
    assert set(told) == {"floe://hello/people", "floe://hello/stg_people"}


def test_a_node_that_the_job_does_not_have_fails_the_run_and_says_so(
    airflow: LocalAirflow, hello: CompiledArtifacts
) -> None:
    report, _ = run(airflow, hello, node_ids=("model.hello.gone",))
    assert report.status == "failed"
    log = airflow.api.log("hello", report.run_id, "dbt_build")
    assert (
        "AirflowFailException: job 'hello' has no node model.hello.gone; node_ids takes ids as in "
        "dbt, such as model.shop.orders"
    ) in log


def test_a_partition_that_does_not_exist_fails_the_run_and_is_not_retried(
    airflow: LocalAirflow, make_product: Make
) -> None:
    execution = "{retries: 1, retryDelaySeconds: 0}"
    artifacts = make_product("unpartitioned", {"one.sql": "select 1"}, execution=execution)
    parameters = RunParameters(partitions="2026-11-01")
    report, _ = run(airflow, artifacts, parameters=parameters)
    assert report.status == "failed"
    log = airflow.api.log("unpartitioned", report.run_id, "dbt_build")
    assert "AirflowFailException: unpartitioned has no partitions, such as 2026-11-01" in log
    _, tries = tasks(airflow, "unpartitioned", report.run_id)["dbt_build"]
    assert tries == 1


FAILING = {
    "first.sql": "select 1 as id",
    "broken.sql": "select error('no such luck') as id from {{ ref('first') }}",
    "below.sql": "select * from {{ ref('broken') }}",
    "beside.sql": "select * from {{ ref('first') }}",
}


@pytest.fixture(scope="module")
def failed(airflow: LocalAirflow, make_product: Make) -> tuple[CompiledArtifacts, RunReport]:
    artifacts = make_product("failing", FAILING)
    return artifacts, run(airflow, artifacts)[0]


def test_a_model_that_fails_stops_what_is_below_it_and_nothing_else(
    airflow: LocalAirflow, failed: tuple[CompiledArtifacts, RunReport], ask_warehouse: Ask
) -> None:
    artifacts, report = failed
    assert report.status == "failed"
    headline, cause = report.message.split("\n", 1)
    assert headline == "2 of 4 nodes: 1 error, 1 skipped"
    assert cause.startswith("model.failing.broken: ")
    assert "no such luck" in cause
    assert statuses(report) == {
        "first": "success",
        "broken": "error",
        "below": "skipped",
        "beside": "success",
    }
    assert tasks(airflow, "failing", report.run_id) == {
        "dbt_build": ("failed", 1),
        "first": ("success", 1),
        "broken": ("failed", 1),
        "below": ("skipped", 1),
        "beside": ("success", 1),
        "outcome": ("failed", 1),
    }
    ran = ask_warehouse(artifacts, "select node from audit order by node")
    assert ran == [("beside",), ("first",)]


def test_a_repaired_node_that_is_cleared_runs_on_a_worker_and_turns_the_run_green(
    airflow: LocalAirflow,
    failed: tuple[CompiledArtifacts, RunReport],
    ask_warehouse: Ask,
) -> None:
    from floe_core.compiler import compile_product

    artifacts, report = failed
    assert artifacts.project_dir is not None
    (artifacts.project_dir / "models/broken.sql").write_text(
        "select 2 as id from {{ ref('first') }}"
    )
    artifacts = compile_product(artifacts.project_dir, orchestrator="airflow")
    airflow.api.clear("failing", report.run_id, ["broken"], downstream=True)
    assert wait_for_end(airflow, "failing", report.run_id) == "success"
    assert tasks(airflow, "failing", report.run_id) == {
        "dbt_build": ("failed", 1),
        "first": ("success", 1),
        "broken": ("success", 2),
        "below": ("success", 2),
        "beside": ("success", 1),
        "outcome": ("success", 2),
    }
    ran = ask_warehouse(artifacts, "select node from audit order by node")
    assert ran == [("below",), ("beside",), ("broken",), ("first",)]


def test_triggers_get_a_copy_of_their_dag_only_where_a_task_runs_again(
    airflow: LocalAirflow, make_product: Make
) -> None:
    def copies() -> int:
        return airflow.home.output.read_text().count("Start from trigger enabled for task")

    before = copies()
    artifacts = make_product("copied", {"one.sql": "select 1 as id"})
    report, _ = run(airflow, artifacts)
    assert set(tasks(airflow, "copied", report.run_id)) == {"dbt_build", "one", "outcome"}
    assert (report.status, copies()) == ("success", before)
    airflow.api.clear("copied", report.run_id, ["one"], downstream=True)
    assert wait_for_end(airflow, "copied", report.run_id) == "success"
    assert copies() > before


RETRIED = {
    "steady.sql": "select 1 as id",
    "flaky.sql": (
        "select case when '{{ var(\"floe_attempt\", 1) }}' = '1' then error('not yet') else 1 end "
        "as id from {{ ref('steady') }}"
    ),
    "after.sql": "select * from {{ ref('flaky') }}",
}


def test_a_retry_builds_only_what_failed_and_what_waited_for_it(
    airflow: LocalAirflow, make_product: Make, ask_warehouse: Ask
) -> None:
    policy = "{retries: 2, retryDelaySeconds: 1}"
    artifacts = make_product("retried", RETRIED, execution=policy)
    report, _ = run(airflow, artifacts)
    assert (report.status, report.message) == ("success", "")
    assert tasks(airflow, "retried", report.run_id) == {
        "dbt_build": ("success", 2),
        "steady": ("success", 1),
        "flaky": ("success", 1),
        "after": ("success", 1),
        "outcome": ("success", 1),
    }
    ran = ask_warehouse(artifacts, "select node, attempt from audit order by all")
    assert ran == [("after", "2"), ("flaky", "2"), ("steady", "1")]


TESTED = {
    "orders.sql": "select null as id",
    "schema.yml": ("models: [{name: orders, columns: [{name: id, data_tests: [not_null]}]}]\n"),
    "below.sql": "select * from {{ ref('orders') }}",
}


def test_a_failed_test_is_a_verdict_and_is_not_retried(
    airflow: LocalAirflow, make_product: Make, ask_warehouse: Ask
) -> None:
    artifacts = make_product("tested", TESTED, execution="{retries: 3, retryDelaySeconds: 1}")
    report, _ = run(airflow, artifacts)
    assert (report.status, statuses(report)) == (
        "failed",
        {"orders": "success", "below": "skipped", "not_null_orders_id": "fail"},
    )
    assert tasks(airflow, "tested", report.run_id) == {
        "dbt_build": ("failed", 1),
        "orders": ("success", 1),
        "below": ("skipped", 1),
        "not_null_orders_id": ("failed", 1),
        "outcome": ("failed", 1),
    }
    assert ask_warehouse(artifacts, "select node from audit") == [("orders",)]


def test_a_product_shown_as_one_task_fails_with_its_nodes(
    airflow: LocalAirflow, make_product: Make
) -> None:
    artifacts = make_product("whole", FAILING, execution="{granularity: product}")
    report, _ = run(airflow, artifacts)
    assert (report.status, statuses(report)) == (
        "failed",
        {"first": "success", "broken": "error", "below": "skipped", "beside": "success"},
    )
    assert tasks(airflow, "whole", report.run_id) == {"dbt_build": ("failed", 1)}
    log = airflow.api.log("whole", report.run_id, "dbt_build")
    assert "OK created sql table model main.first" in log


GROUPED = {
    "early/first.sql": FAILING["first.sql"],
    "middle/broken.sql": FAILING["broken.sql"],
    "middle/beside.sql": FAILING["beside.sql"],
    "late/below.sql": FAILING["below.sql"],
}


def test_a_group_of_nodes_is_as_good_as_its_worst_and_runs_again_when_it_is_cleared(
    airflow: LocalAirflow, make_product: Make, ask_warehouse: Ask
) -> None:
    from floe_core.compiler import compile_product

    artifacts = make_product("grouped", GROUPED, execution="{granularity: group, pool: warehouse}")
    report, _ = run(airflow, artifacts)
    assert report.status == "failed"
    assert tasks(airflow, "grouped", report.run_id) == {
        "dbt_build": ("failed", 1),
        "early": ("success", 1),
        "middle": ("failed", 1),
        "late": ("skipped", 1),
        "outcome": ("failed", 1),
    }
    assert "OK created sql table model main.beside" in airflow.api.log(
        "grouped", report.run_id, "middle"
    )

    assert artifacts.project_dir is not None
    repaired = artifacts.project_dir / "models/middle/broken.sql"
    repaired.write_text("select 2 as id from {{ ref('first') }}")
    artifacts = compile_product(artifacts.project_dir, orchestrator="airflow")
    airflow.api.clear("grouped", report.run_id, ["middle"], downstream=True)
    assert wait_for_end(airflow, "grouped", report.run_id) == "success"
    assert tasks(airflow, "grouped", report.run_id) == {
        "dbt_build": ("failed", 1),
        "early": ("success", 1),
        "middle": ("success", 2),
        "late": ("success", 2),
        "outcome": ("success", 2),
    }
    ran = ask_warehouse(artifacts, "select node from audit order by all")
    assert ran == [("below",), ("beside",), ("beside",), ("broken",), ("first",)]
    assert set(asset_events(airflow, "grouped", report.run_id)) == {
        f"floe://grouped/{name}" for name in ("beside", "below", "broken")
    }


def test_the_connection_to_the_real_api_server_is_checked(
    airflow: LocalAirflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(password: str) -> tuple[bool, list[str], list[str]]:
        monkeypatch.setenv(PASSWORD, password)
        plugin = AirflowPlugin()
        url, reference = airflow.home.url, f"env:{PASSWORD}"
        plugin.configure({"url": url, "username": USER, "password": reference})
        found = plugin.validate_connection()
        return found.success, found.errors, found.warnings

    assert check(airflow.home.password) == (True, [], [])
    refused = "Airflow refuses `username` and `password` (HTTP 401); correct them"
    assert check("wrong") == (False, [refused], [])


def test_a_pool_that_airflow_does_not_have_is_told(
    airflow: LocalAirflow, hello: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow's scheduler logs of such a pool alone, and its tasks wait without end."""
    monkeypatch.setenv(PASSWORD, airflow.home.password)
    plugin = AirflowPlugin()
    settings = {"url": airflow.home.url, "username": USER, "password": f"env:{PASSWORD}"}
    plugin.configure(settings)
    execution = hello.execution.model_copy(update={"pool": "a+b?"})
    pooled = hello.model_copy(update={"execution": execution})
    assert (plugin.check_pools(hello), pooled.pools_of_builds) == ([], ("a+b?",))

    [absent] = plugin.check_pools(pooled)
    assert (absent.pool, absent.blocks) == ("a+b?", True)
    assert absent.what == "Airflow has no pool a+b?, so it never starts the tasks in it"
    airflow.api.ensure_pool("a+b?", 0)
    assert ["has no slots" in each.what for each in plugin.check_pools(pooled)] == [True]
    airflow.api.request("DELETE", "/api/v2/pools/a%2Bb%3F")
    airflow.api.ensure_pool("a+b?", 2)
    assert plugin.check_pools(pooled) == []

    plugin.configure({**settings, "password": "env:NO_SUCH_VARIABLE"})
    with pytest.raises(EnvironmentProblemError, match="NO_SUCH_VARIABLE"):
        plugin.check_pools(pooled)


@pytest.mark.slow
def test_a_run_that_waits_for_a_pool_that_airflow_lacks_says_so(
    airflow: LocalAirflow, make_product: Make
) -> None:
    """Airflow's pages do not, and `floe doctor` names it; once it is there, the run goes on."""
    models = {"first.sql": "select 1 as id"}
    artifacts = deployed(airflow, make_product("pooled", models, execution="{pool: absent}"))
    airflow.add(artifacts, "pooled")
    airflow.api.request("DELETE", "/api/v2/pools/absent")
    run_id = airflow.api.trigger("pooled", None, {})

    def says_so(task: str) -> bool:
        return "dbt_build has not started for 3" in airflow.api.log("pooled", run_id, task)

    def states() -> set[tuple[str, int]]:
        found = tasks(airflow, "pooled", run_id)
        return {found[task] for task in ("first", "outcome")}

    def doctor() -> tuple[int, list[tuple[str, str]]]:
        done = floe("doctor", artifacts.folder, "--json", **{PASSWORD: airflow.home.password})
        told = json.loads(done.stdout)["findings"]
        return done.returncode, [
            (each["severity"], each["what"]) for each in told if each["subject"] == "pools"
        ]

    wait_for(lambda: states() == {("deferred", 1)}, 120)
    wait_for(lambda: says_so("first") and says_so("outcome"), 180)
    told = "Airflow has no pool absent, so it never starts the tasks in it"
    assert doctor() == (3, [("problem", told)])
    airflow.api.ensure_pool("absent", 1)
    assert doctor()[1] == [("ok", "there are slots of absent")]
    assert wait_for_end(airflow, "pooled", run_id) == "success"


def deployed(airflow: LocalAirflow, artifacts: CompiledArtifacts) -> CompiledArtifacts:
    """Return a product compiled for this Airflow, whose address is in a manifest of its own."""
    config = f"url: '{airflow.home.url}', username: {USER}, password: 'env:{PASSWORD}'"
    manifest = artifacts.folder.parent / "manifest.yaml"
    text = manifest.read_text().replace(
        "{type: dagster}", f"{{type: airflow, config: {{{config}}}}}"
    )
    (artifacts.folder / "manifest.yaml").write_text(text)
    floe_yaml = artifacts.folder / "floe.yaml"
    floe_yaml.write_text(floe_yaml.read_text().replace("../manifest.yaml", "manifest.yaml"))
    return compile_product(artifacts.folder)


def test_a_product_runs_beside_a_dag_file_of_its_team(
    airflow: LocalAirflow, make_product: Make
) -> None:
    artifacts = make_product("theirs", {"first.sql": "select 1 as id"})
    assert artifacts.project_dir is not None
    entry_point = artifacts.project_dir / "dag.py"
    entry_point.write_text("# airflow: a dag of the team's\n")
    report, _ = run(airflow, artifacts)
    assert (report.status, statuses(report)) == ("success", {"first": "success"})
    assert entry_point.read_text() == "# airflow: a dag of the team's\n"


def test_what_is_cleared_with_its_build_is_built_once_however_late_its_trigger_starts(
    airflow: LocalAirflow, make_product: Make, ask_warehouse: Ask
) -> None:
    artifacts = make_product("late", RETRIED, execution="{granularity: node}")
    report, _ = run(airflow, artifacts)
    assert report.status == "failed"
    triggerer = read_components(airflow.folder)["triggerer"]
    os.kill(triggerer, signal.SIGSTOP)
    try:
        airflow.api.clear("late", report.run_id, ["dbt_build"], downstream=True)
        wait_for(lambda: tasks(airflow, "late", report.run_id)["dbt_build"] == ("success", 2))
    finally:
        os.kill(triggerer, signal.SIGCONT)
    assert wait_for_end(airflow, "late", report.run_id) == "success"
    names = ("dbt_build", "steady", "flaky", "after", "outcome")
    assert tasks(airflow, "late", report.run_id) == dict.fromkeys(names, ("success", 2))
    ran = ask_warehouse(artifacts, "select node, attempt from audit order by all")
    assert ran == [("after", "2"), ("flaky", "2"), ("steady", "1")]
