"""Steps in a build, on real processes, real dbt and a real DuckDB file."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from wait_for import wait_for
from what_works_at import processes_at

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build, failure_of_build
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    DatasetFact,
    NodeLog,
    NodeResult,
    NodeStarted,
)
from floe_core.schemas import CompiledArtifacts
from floe_core.schemas.policies import AlertRule

WriteProduct = Callable[..., Path]

FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
steps:
  - name: load
    python: jobs.work:load
    writes: [raw.orders]
    LOAD
  - name: push
    command: [python, jobs/push.py, "100%"]
    reads: [big]
    writes: [crm.segments]
"""
SOURCES = """\
sources:
  - name: raw
    schema: main
    tables: [{name: orders, identifier: raw_orders}]
models:
  - name: big
    columns: [{name: id, data_tests: [not_null]}]
"""
LOAD = """\
import json, os, duckdb

def load():
    print("loading into", os.environ["FLOE_TARGET"], "as", os.environ["FLOE_STEP"])
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create or replace table raw_orders as select range as id from range(7)")
    with open(os.environ["FLOE_FACTS_FILE"], "a") as facts:
        facts.write(json.dumps({"dataset": "raw.orders", "rows": 7, "version": "seven"}) + "\\n")
"""
PUSH = """\
import os, sys, duckdb

with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"], read_only=True) as warehouse:
    rows = warehouse.execute("select id from big order by id").fetchall()
open("pushed.txt", "w").write(f"{sys.argv[1]} {rows}")
"""
# Fails until its second attempt.
FLAKY = LOAD.replace(
    "def load():\n", "def load():\n    assert os.environ['FLOE_ATTEMPT'] == '2', 'not yet'\n"
)
# Written by what nobody ended.
OVER = "over.txt"
HANG = f"time.sleep(600); open('{OVER}', 'w')"
HANGS = f"import time\n\ndef load():\n    print('hanging', flush=True)\n    {HANG}\n"
DEAF = f"import signal\n{HANGS}".replace(
    "    print", "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    print"
)


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    """Return a function that writes and compiles a product: load -> orders -> big -> push."""

    def make(work: str = LOAD, load: str = "retries: 1", **models: str) -> CompiledArtifacts:
        folder = write_product(
            floe=FLOE.replace("LOAD", load),
            dbt_project="name: shop\nversion: 1.0.0\nprofile: shop\nmodels: {+materialized: table}\n",
            **{
                "orders": "select * from {{ source('raw', 'orders') }}",
                "big": "select id from {{ ref('orders') }} where id > 3",
                "aside": "select 1 as id",
                **models,
            },
        )
        (folder / "models/schema.yml").write_text(SOURCES)
        (folder / "jobs").mkdir()
        (folder / "jobs/work.py").write_text(work)
        (folder / "jobs/push.py").write_text(PUSH)
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return make


Shop = Callable[..., CompiledArtifacts]


def run(artifacts: CompiledArtifacts, attempt: int = 1) -> list[BuildEvent]:
    return list(build(artifacts, BuildRequest("shop", "one", attempt=attempt)))


def statuses(events: list[BuildEvent]) -> dict[str, str]:
    ended = [event for event in events if isinstance(event, NodeResult)]
    return {event.unique_id.split(".")[2]: event.status for event in ended}


def result_of(events: list[BuildEvent], name: str) -> NodeResult:
    [found] = [e for e in events if isinstance(e, NodeResult) and e.unique_id.split(".")[2] == name]
    return found


GREEN = {
    "load": "success",
    "orders": "success",
    "big": "success",
    "not_null_big_id": "pass",
    "aside": "success",
    "push": "success",
}


def test_steps_run_between_builds_of_dbt(shop: Shop) -> None:
    artifacts = shop()
    events = run(artifacts)
    assert statuses(events) == GREEN
    assert events[-1] == BuildEnded(succeeded=True)
    assert (artifacts.folder / "pushed.txt").read_text() == "100% [(4,), (5,), (6,)]"
    load = result_of(events, "load")
    assert load.rows == 7
    assert load.datasets == (DatasetFact("raw.orders", 7, "seven"),)
    logs = [(e.unique_id, e.text) for e in events if isinstance(e, NodeLog)]
    assert ("step.shop.load", "loading into default as load") in logs
    assert len([text for _, text in logs if "Running with dbt" in text]) == 1


def test_the_tables_are_those_of_the_same_commands_by_hand(shop: Shop, tmp_path: Path) -> None:
    artifacts = shop()
    assert run(artifacts)[-1] == BuildEnded(succeeded=True)
    ours = tables_in(artifacts.folder)
    (artifacts.folder / "shop.duckdb").unlink()
    by_hand = {"FLOE_WAREHOUSE_FILE": "shop.duckdb", "FLOE_FACTS_FILE": str(tmp_path / "facts")}
    dbt = str(Path(sys.executable).parent / "dbt")
    for command in (
        [sys.executable, "-c", "from jobs.work import load; load()"],
        [dbt, "build"],
        [sys.executable, "jobs/push.py", "100%"],
    ):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **by_hand}
        environment |= {"FLOE_TARGET": "", "FLOE_STEP": ""}
        subprocess.run(command, cwd=artifacts.folder, env=environment, check=True)
    assert tables_in(artifacts.folder) == ours
    assert (artifacts.folder / "pushed.txt").read_text() == "100% [(4,), (5,), (6,)]"


def tables_in(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as warehouse:
        names = warehouse.execute("select table_name from information_schema.tables").fetchall()
        return {n: warehouse.execute(f"from {n} order by all").fetchall() for (n,) in names}


def test_a_step_that_fails_holds_back_what_is_below_it_and_nothing_else(shop: Shop) -> None:
    artifacts = shop(work="def load():\n    print('so far')\n    raise SystemExit('no answer')\n")
    events = run(artifacts)
    skipped = ("orders", "big", "not_null_big_id", "push")
    assert statuses(events) == {
        **dict.fromkeys(skipped, "skipped"),
        "load": "error",
        "aside": "success",
    }
    assert result_of(events, "load").message == "exited with 1\nso far\nno answer"
    assert result_of(events, "push").message == "skipped: step.shop.load did not pass"
    end = events[-1]
    assert isinstance(end, BuildEnded)
    assert not end.succeeded
    failure = failure_of_build(artifacts, BuildRequest("shop", "one"), end)
    assert failure.may_retry
    assert "no answer" in failure.text


def test_a_second_attempt_runs_what_failed_and_what_it_held_back(shop: Shop) -> None:
    artifacts = shop(work=FLAKY)
    assert statuses(run(artifacts))["load"] == "error"
    second = run(artifacts, attempt=2)
    assert statuses(second) == {name: status for name, status in GREEN.items() if name != "aside"}
    assert second[-1] == BuildEnded(succeeded=True)


def test_a_step_is_not_retried_more_often_than_it_may_be(shop: Shop) -> None:
    artifacts = shop(work="def load():\n    raise ValueError('never')\n", load="retries: 0")
    end = run(artifacts)[-1]
    assert isinstance(end, BuildEnded)
    assert not failure_of_build(artifacts, BuildRequest("shop", "one"), end).may_retry


def test_a_failed_test_holds_back_the_step_that_reads_what_it_tests(shop: Shop) -> None:
    artifacts = shop(big="select nullif(id, 5) as id from {{ ref('orders') }}")
    events = run(artifacts)
    assert statuses(events) == {**GREEN, "not_null_big_id": "fail", "push": "skipped"}
    assert not (artifacts.folder / "pushed.txt").exists()


def test_a_failed_model_holds_back_the_step_that_reads_it(shop: Shop) -> None:
    artifacts = shop(big="select no_such_function() from {{ ref('orders') }}")
    held = {"not_null_big_id": "skipped", "push": "skipped"}
    assert statuses(run(artifacts)) == {**GREEN, "big": "error", **held}


@pytest.mark.parametrize("work", [HANGS, DEAF], ids=["heeds SIGTERM", "ignores SIGTERM"])
def test_a_step_ends_at_its_timeout(shop: Shop, work: str) -> None:
    artifacts = shop(work=work, load="timeoutSeconds: 2")
    events = run(artifacts)
    assert not (artifacts.folder / OVER).exists()
    assert result_of(events, "load").message == "timed out after 2 s"
    assert statuses(events)["aside"] == "success"
    assert processes_at(artifacts.folder, patience=0) == []


def test_the_build_ends_at_its_timeout(shop: Shop) -> None:
    artifacts = shop(work=HANGS)
    policy = artifacts.execution.model_copy(update={"timeout_seconds": 3})
    hasty = artifacts.model_copy(update={"execution": policy}).bound_to(artifacts.folder)
    events = run(hasty)
    end = events[-1]
    assert isinstance(end, BuildEnded)
    assert end.message == "timed out after 3 s"
    assert statuses(events)["load"] == "error"
    assert statuses(events)["push"] == "skipped"
    assert processes_at(artifacts.folder, patience=0) == []


def test_a_canceled_build_leaves_no_process(shop: Shop) -> None:
    artifacts = shop(work=HANGS)
    events = build(artifacts, BuildRequest("shop", "one"))
    for event in events:
        if isinstance(event, NodeLog) and event.text == "hanging":
            break
    assert processes_at(artifacts.folder, patience=0) != []
    events.close()
    assert processes_at(artifacts.folder, patience=0) == []


def test_a_step_leaves_no_child_behind(shop: Shop) -> None:
    work = (
        "import subprocess, sys\n\ndef load():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    raise SystemExit(3)\n"
    )
    artifacts = shop(work=work)
    events = run(artifacts)
    assert result_of(events, "load").message == "exited with 3"
    assert processes_at(artifacts.folder, patience=0) == []


@pytest.mark.skipif(sys.platform != "linux", reason="floe finds what left its group in /proc")
@pytest.mark.parametrize("ending", ["pass", HANG], ids=["ends", "is over its time"])
def test_what_a_step_left_in_a_session_of_its_own_is_killed(shop: Shop, ending: str) -> None:
    work = (
        "import subprocess, sys, time\n\ndef load():\n"
        f'    words = [sys.executable, "-c", "import time; {HANG}"]\n'
        "    subprocess.Popen(words, start_new_session=True)\n"
        f"    {ending}\n"
    )
    artifacts = shop(work=work, load="timeoutSeconds: 3")
    events = run(artifacts)
    assert not (artifacts.folder / OVER).exists()
    assert statuses(events)["load"] == ("success" if ending == "pass" else "error")
    assert processes_at(artifacts.folder, patience=0) == []


@pytest.mark.parametrize(
    ("kind", "body", "what"),
    [("async def", "pass", "coroutine"), ("def", "yield 1", "generator")],
    ids=["async", "generator"],
)
def test_a_function_that_only_makes_something_to_run_is_an_error(
    shop: Shop, kind: str, body: str, what: str
) -> None:
    message = result_of(run(shop(work=f"{kind} load():\n    {body}\n")), "load").message
    assert f"TypeError: jobs.work:load returned a {what}, which nothing runs" in message


def test_a_killed_step_is_an_error_that_says_so(shop: Shop) -> None:
    work = "import os, signal\n\ndef load():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    assert result_of(run(shop(work=work)), "load").message == "killed by SIGKILL"


def test_a_killed_build_takes_its_step_along(shop: Shop) -> None:
    artifacts = shop(work=HANGS)
    program = (
        "import sys\nfrom floe_core.execution import BuildRequest, build\n"
        "from floe_core.schemas import CompiledArtifacts\n"
        "for event in build(CompiledArtifacts.load(sys.argv[1]), BuildRequest('shop', 'one')):\n"
        "    print(event, flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(artifacts.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        for line in host.stdout:
            if "hanging" in line:
                break
        assert processes_at(artifacts.folder, patience=0) != []
        host.kill()
    wait_for(lambda: not processes_at(artifacts.folder, patience=0))


def test_a_program_that_is_not_there_is_the_steps_error(shop: Shop) -> None:
    artifacts = shop()
    [push] = [step for step in artifacts.steps if step.unique_id == "step.shop.push"]
    gone = push.model_copy(update={"command": ("no-such-program",)})
    steps = tuple(gone if step == push else step for step in artifacts.steps)
    broken = artifacts.model_copy(update={"steps": steps}).bound_to(artifacts.folder)
    events = run(broken)
    assert statuses(events) == {**GREEN, "push": "error"}
    assert "there is no program no-such-program" in result_of(events, "push").message


def test_a_secret_that_a_step_prints_is_not_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRM_PASSWORD", "hunter2-and-more")
    # Known by what it is for alone: the receiver of an alert.
    monkeypatch.setenv("SHOP_SLACK_URL", "slack://a/b/c-and-more")
    work = (
        "import json, os\n\ndef load():\n"
        "    texts = [os.environ[each] for each in ('CRM_PASSWORD', 'SHOP_SLACK_URL')]\n"
        "    print(*texts)\n"
        "    for text in texts:\n"
        "        with open(os.environ['FLOE_FACTS_FILE'], 'a') as file:\n"
        "            print(json.dumps({'dataset': 'crm', 'version': text}), file=file)\n"
    )
    artifacts = shop(work=work)
    alert = AlertRule(on=("failure",), to="{{ env_var('SHOP_SLACK_URL') }}")
    watched = artifacts.model_copy(update={"alerts": (alert,)}).bound_to(artifacts.folder)
    events = run(watched)
    [facts] = (artifacts.folder / ".floe/runs/one/steps").glob("load*.jsonl")
    assert stat.S_IMODE(facts.stat().st_mode) == 0o600
    for text in ("hunter2", "c-and-more"):
        assert text not in repr(events)
        assert text not in (artifacts.folder / ".floe/runs/one/events.jsonl").read_text()


def test_lineage_has_a_run_of_each_step_with_what_it_read_and_wrote(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "events.jsonl"
    config = tmp_path / "openlineage.yml"
    config.write_text(f"transport: {{type: file, log_file_path: {sent}, append: true}}\n")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", str(config))
    artifacts = shop()
    run(artifacts)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        events = (
            [json.loads(line) for line in sent.read_text().splitlines()] if sent.exists() else []
        )
        if any(e["job"]["name"] == "shop" and e["eventType"] == "COMPLETE" for e in events):
            break
        time.sleep(0.2)
    ends = {e["job"]["name"]: e for e in events if e["eventType"] == "COMPLETE"}
    load, push = ends["shop.step.load"], ends["shop.step.push"]
    [output] = load["outputs"]
    orders = {"namespace": "duckdb://shop", "name": "shop.main.raw_orders"}
    assert orders.items() <= output.items()
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert output["facets"]["version"]["datasetVersion"] == "seven"
    assert [orders.items() <= each.items() for each in ends["shop.model.orders"]["inputs"]] == [
        True
    ]
    assert [each["name"] for each in push["inputs"]] == ["shop.main.big"]
    assert [(e["namespace"], e["name"]) for e in push["outputs"]] == [("floe", "crm.segments")]
    assert load["run"]["facets"]["processing_engine"]["name"] == "floe"
    assert not any("floe_name" in json.dumps(event) for event in events)


def test_a_started_step_is_told_before_its_end(shop: Shop) -> None:
    events = run(shop())
    of_load = [e for e in events if getattr(e, "unique_id", "") == "step.shop.load"]
    assert isinstance(of_load[0], NodeStarted)
    assert isinstance(of_load[-1], NodeResult)
