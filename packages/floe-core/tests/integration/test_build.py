"""The failure contract of one build, on real dbt and a real DuckDB file."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock, Timeout
from plain_shop import FLOE
from wait_for import wait_for

from floe_core.compiler import compile_product
from floe_core.execution import (
    BuildEnded,
    BuildEvent,
    BuildRequest,
    NodeLog,
    NodeResult,
    NodeStarted,
    build,
)
from floe_core.execution.node_selection import ids_listed
from floe_core.execution.record.journal import RunRecord, read_events
from floe_core.execution.warehouse_lock import lock_file
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]

TABLE = "{{ config(materialized='table') }}\n"
FIRST = TABLE + "select 1 as id"
AFTER = TABLE + "select * from {{ ref('broken') }}"
BROKEN = TABLE + "select no_such_function(id) as id from {{ ref('first') }}"
HANGS = TABLE + (
    "select count(*) as id from range(1000000000) a, range(1000000000) b, {{ ref('first') }}"
)
PASSES_AT_SECOND_TRY = TABLE + (
    "{% if var('floe_attempt') == 1 %}select no_such_function(id) as id{% else %}select id{% endif %}"
    " from {{ ref('first') }}"
)
DBT_PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\n"
DEPRECATED = """\
models:
  - name: first
    columns:
      - name: id
        data_tests: [{accepted_values: {values: [1]}}]
"""


def compiled(folder: Path) -> CompiledArtifacts:
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def statuses(events: list[BuildEvent]) -> dict[str, str]:
    """Return node name -> status, from the results a build told."""
    return {
        event.unique_id.split(".")[2]: event.status
        for event in events
        if isinstance(event, NodeResult)
    }


def tables(folder: Path) -> set[str]:
    """Return the tables that are really there."""
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        rows = connection.execute("select table_name from information_schema.tables").fetchall()
    return {name for (name,) in rows}


def ran_in(folder: Path, run_id: str, attempt: int) -> set[str]:
    """Return the names of what dbt says it ran in an attempt."""
    path = folder / ".floe" / "runs" / run_id / f"attempt-{attempt}" / "run_results.json"
    return {r["unique_id"].split(".")[2] for r in json.loads(path.read_text())["results"]}


def test_a_run_has_the_parse_of_compile_time_also_where_the_folder_was_moved(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    folder = write_product(first=FIRST)
    compile_product(folder)
    moved = shutil.copytree(folder, tmp_path / "moved")
    for place in (folder, moved):
        events = build(CompiledArtifacts.load(place), BuildRequest(job="shop", run_id="r"))
        said = [event.text for event in events if isinstance(event, NodeLog)]
        assert not [text for text in said if "pars" in text]
        assert "Found 1 model" in "\n".join(said)


def test_a_seed_of_a_package_is_found_wherever_packages_are_installed(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    project = DBT_PROJECT + "packages-install-path: vendor/dbt\n"
    folder = write_product(dbt_project=project, first=TABLE + "select * from {{ ref('listed') }}")
    package = folder / "vendor/dbt/lists"
    (package / "seeds").mkdir(parents=True)
    (package / "dbt_project.yml").write_text("name: lists\nversion: 1.0.0\n")
    (package / "seeds/listed.csv").write_text("id\n1\n")
    (folder / "packages.yml").write_text("packages: [{local: vendor/dbt/lists}]\n")
    compile_product(folder)
    moved = shutil.copytree(folder, tmp_path / "moved")
    shutil.rmtree(folder)
    events = list(build(CompiledArtifacts.load(moved), BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {"listed": "success", "first": "success"}


def test_the_deprecations_of_another_product_are_not_this_runs(
    write_product: WriteProduct,
) -> None:
    """dbt counts deprecations for the life of its process, and here a warning is an error."""
    deprecated = write_product("deprecated", first=FIRST)
    (deprecated / "models" / "schema.yml").write_text(DEPRECATED)
    compile_product(deprecated)
    folder = write_product(dbt_project=DBT_PROJECT + "flags: {warn_error: true}\n", first=FIRST)
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert not [e.text for e in events if isinstance(e, NodeLog) and "eprecat" in e.text]
    assert events[-1] == BuildEnded(succeeded=True)


def test_every_node_is_told_once_and_the_end_comes_last(write_product: WriteProduct) -> None:
    folder = write_product(first=FIRST, second="select * from {{ ref('first') }}")
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {"first": "success", "second": "success"}
    assert events[-1] == BuildEnded(succeeded=True)
    assert sum(isinstance(event, BuildEnded) for event in events) == 1
    assert tables(folder) == {"first", "second"}
    assert read_events(folder, "r") == events


def test_a_failing_model_stops_its_descendants_and_nothing_else(
    write_product: WriteProduct,
) -> None:
    folder = write_product(first=FIRST, broken=BROKEN, after=AFTER, beside=FIRST)
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {
        "first": "success",
        "broken": "error",
        "after": "skipped",
        "beside": "success",
    }
    assert events[-1] == BuildEnded(False, "2 of 4 nodes: 1 error, 1 skipped")
    assert tables(folder) == {"first", "beside"}


def test_a_retry_runs_only_what_failed_and_what_it_held_back(write_product: WriteProduct) -> None:
    folder = write_product(first=FIRST, broken=PASSES_AT_SECOND_TRY, after=AFTER)
    artifacts = compiled(folder)
    first = list(build(artifacts, BuildRequest(job="shop", run_id="r", attempt=1)))
    assert statuses(first) == {"first": "success", "broken": "error", "after": "skipped"}
    second = list(build(artifacts, BuildRequest(job="shop", run_id="r", attempt=2)))
    assert statuses(second) == {"broken": "success", "after": "success"}
    assert second[-1] == BuildEnded(True)
    assert ran_in(folder, "r", 2) == {"broken", "after"}


def test_a_failed_test_is_a_verdict_and_holds_back_what_depends_on_its_model(
    write_product: WriteProduct,
) -> None:
    folder = write_product(first=FIRST, after="select * from {{ ref('first') }}", beside=FIRST)
    (folder / "tests").mkdir()
    (folder / "tests" / "no_ones.sql").write_text("select * from {{ ref('first') }} where id = 1")
    artifacts = compiled(folder)
    first = list(build(artifacts, BuildRequest(job="shop", run_id="r")))
    assert statuses(first) == {
        "first": "success",
        "beside": "success",
        "no_ones": "fail",
        "after": "skipped",
    }
    second = list(build(artifacts, BuildRequest(job="shop", run_id="r", attempt=2)))
    assert second == [BuildEnded(False, "2 of 4 nodes: 1 fail, 1 skipped")]


def test_what_stands_from_attempts_before_counts_and_is_not_built(
    write_product: WriteProduct,
) -> None:
    folder = write_product(first=FIRST, beside=FIRST)
    settled = (NodeResult("test.shop.no_ones", "fail"), NodeResult("model.shop.beside", "success"))
    request = BuildRequest(
        "shop", "r", ("model.shop.first",), attempt=2, resume=False, settled=settled
    )
    events = list(build(compiled(folder), request))
    assert statuses(events) == {"first": "success"}
    assert events[-1] == BuildEnded(False, "1 of 3 nodes: 1 fail")


def test_a_model_that_hangs_is_ended_when_the_time_is_over(write_product: WriteProduct) -> None:
    floe = FLOE + "execution: {timeoutSeconds: 4}\n"
    folder = write_product(
        floe=floe, first=FIRST, broken=HANGS, after=AFTER, last="select * from {{ ref('after') }}"
    )
    artifacts = compiled(folder)
    events = list(build(artifacts, BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {
        "first": "success",
        "broken": "error",
        "after": "skipped",
        "last": "skipped",
    }
    assert events[-1] == BuildEnded(False, "timed out after 4 s")
    assert tables(folder) == {"first"}  # and so the file is free again


TIMED = "{{ config(materialized='table', meta={'floe': {'timeoutSeconds': 1}}) }}\n"


def test_a_node_over_its_own_time_fails_and_the_rest_goes_on(write_product: WriteProduct) -> None:
    folder = write_product(
        first=FIRST,
        hangs=HANGS.replace(TABLE, TIMED),
        below="select * from {{ ref('hangs') }}",
        beside=TABLE + "select count(*) as id from range(30000000), {{ ref('first') }}",
    )
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {
        "first": "success",
        "beside": "success",
        "hangs": "error",
        "below": "skipped",
    }
    results = RunRecord.of(events).results
    assert results["model.shop.hangs"].message == "timed out after 1 s"
    assert tables(folder) == {"first", "beside"}


NEVER = TABLE.replace("'table'", "'table', meta={'floe': {'retries': 0}}")
TWICE = TABLE.replace("'table'", "'table', meta={'floe': {'retries': 2}}")


def test_a_node_is_retried_as_often_as_it_says_itself(write_product: WriteProduct) -> None:
    folder = write_product(
        never=NEVER + "select no_such_function(1) as id",
        below="select * from {{ ref('never') }}",
        twice=TWICE + "select no_such_function(1) as id",
        as_the_product=TABLE + "select no_such_function(1) as id",
    )
    artifacts = compiled(folder)
    assert artifacts.retries == 2
    ran = []
    for attempt in (1, 2, 3, 4):
        list(build(artifacts, BuildRequest(job="shop", run_id="r", attempt=attempt)))
        path = folder / ".floe" / "runs" / "r" / f"attempt-{attempt}"
        ran.append(ran_in(folder, "r", attempt) if path.exists() else set())
    assert ran == [{"never", "below", "twice", "as_the_product"}, {"twice"}, {"twice"}, set()]


class Interruption(BaseException):
    """As orchestrators raise in the midst of a task that is canceled."""


def closed(events: Generator[BuildEvent, None, None]) -> None:
    events.close()


def interrupted(events: Generator[BuildEvent, None, None]) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise Interruption

    before = signal.signal(signal.SIGUSR1, interrupt)
    threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
    try:
        with pytest.raises(Interruption):
            list(events)
    finally:
        signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("cancel", [closed, interrupted])
def test_a_build_that_is_canceled_stops_and_says_so(
    cancel: Callable[[Generator[BuildEvent, None, None]], None], write_product: WriteProduct
) -> None:
    folder = write_product(first=FIRST, broken=HANGS, after=AFTER)
    events = build(compiled(folder), BuildRequest(job="shop", run_id="r"))
    for event in events:
        if isinstance(event, NodeStarted) and event.unique_id == "model.shop.broken":
            break
    cancel(events)
    told = read_events(folder, "r")
    assert statuses(told) == {"first": "success", "broken": "error", "after": "skipped"}
    assert told[-1] == BuildEnded(False, "canceled")
    assert tables(folder) == {"first"}


LEFT = (
    "import sys\n"
    "from floe_core.execution import BuildRequest, NodeStarted, build\n"
    "from floe_core.schemas import CompiledArtifacts\n"
    "events = build(CompiledArtifacts.load(sys.argv[1]), BuildRequest(job='shop', run_id='r'))\n"
    "begun = (e.unique_id for e in events if isinstance(e, NodeStarted))\n"
    "assert 'model.shop.broken' in begun\n"
    "in_a_circle = [events]\n"
    "in_a_circle.append(in_a_circle)\n"
)


def test_a_build_that_its_process_leaves_as_it_is_was_canceled(write_product: WriteProduct) -> None:
    folder = write_product(first=FIRST, broken=HANGS, after=AFTER)
    compiled(folder)
    subprocess.run([sys.executable, "-c", LEFT, str(folder)], check=True, timeout=60)
    told = read_events(folder, "r")
    assert statuses(told) == {"first": "success", "broken": "error", "after": "skipped"}
    assert told[-1] == BuildEnded(False, "canceled")


BUILD = (
    "import sys\n"
    "from floe_core.execution import BuildRequest, build\n"
    "from floe_core.schemas import CompiledArtifacts\n"
    "request = BuildRequest(job='shop', run_id=sys.argv[2], attempt=int(sys.argv[3]))\n"
    "for event in build(CompiledArtifacts.load(sys.argv[1]), request):\n"
    "    print(event, flush=True)\n"
)


def started_build(folder: Path, run_id: str, attempt: int = 1) -> subprocess.Popen[str]:
    """Start a build in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(folder), run_id, str(attempt)],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def test_after_a_killed_process_the_next_attempt_runs_the_rest(write_product: WriteProduct) -> None:
    hangs_at_first = TABLE + (
        "select id from {{ ref('first') }}"
        "{% if var('floe_attempt') == 1 %}, range(1000000000) a, range(1000000000) b{% endif %}"
    )
    folder = write_product(first=FIRST, broken=hangs_at_first, after=AFTER)
    compiled(folder)
    process = started_build(folder, "r")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("NodeStarted(unique_id='model.shop.broken'"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    second = started_build(folder, "r", attempt=2)
    output, _ = second.communicate(timeout=60)
    assert output.rstrip().endswith("BuildEnded(succeeded=True, message='')")
    assert ran_in(folder, "r", 2) == {"broken", "after"}
    results = RunRecord.of(read_events(folder, "r")).results
    assert {node_id.split(".")[2]: r.status for node_id, r in results.items()} == {
        "first": "success",
        "broken": "success",
        "after": "success",
    }


def test_two_builds_of_one_warehouse_at_once_wait_for_each_other(
    write_product: WriteProduct,
) -> None:
    folder = write_product(first=FIRST, second="select * from {{ ref('first') }}")
    compiled(folder)
    processes = [started_build(folder, run_id) for run_id in ("one", "two")]
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert output.rstrip().endswith("BuildEnded(succeeded=True, message='')"), output


WAITS = (
    "import time\n"
    "def model(dbt, session):\n"
    "    dbt.config(materialized='table')\n"
    "    dbt.ref('first')\n"
    "    time.sleep(12)\n"
    "    return session.sql('select 1 as id')\n"
)


def test_what_a_build_leaves_running_keeps_the_warehouse(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    from floe_core.execution import build_run

    monkeypatch.setattr(build_run, "PATIENCE_SECONDS", 0.2)
    folder = write_product(floe=FLOE + "execution: {timeoutSeconds: 3}\n", first=FIRST)
    (folder / "models" / "waits.py").write_text(WAITS)
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert events[-1] == BuildEnded(False, "timed out after 3 s")
    lock = FileLock(lock_file(folder / "shop.duckdb"))
    with pytest.raises(Timeout):
        lock.acquire(timeout=0)
    lock.acquire(timeout=30)
    lock.release()


@pytest.mark.parametrize(
    "own", ["tools/own-dbt", "./tools/own-dbt", "${SHOP_TOOLS}/own-dbt", "~/own-dbt"]
)
def test_a_dbt_in_the_products_folder_is_found_at_compile_and_at_run(
    own: str, write_product: WriteProduct, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product(floe=FLOE + f"execution: {{dbtExecutable: '{own}'}}\n", first=FIRST)
    (folder / "tools").mkdir()
    (folder / "tools" / "own-dbt").symlink_to(Path(sys.executable).parent / "dbt")
    monkeypatch.chdir(tmp_path)
    for variable in ("SHOP_TOOLS", "HOME"):
        monkeypatch.setenv(variable, str(folder / "tools"))
    artifacts = compiled(folder)
    assert artifacts.dbt.executable == own
    assert ids_listed(artifacts, "first", "") == {"model.shop.first"}
    assert list(build(artifacts, BuildRequest(job="shop", run_id="r")))[-1] == BuildEnded(True, "")


def test_a_dbt_of_the_products_own_gives_the_same_results(write_product: WriteProduct) -> None:
    dbt = Path(sys.executable).parent / "dbt"
    models = {"first": FIRST, "broken": BROKEN, "after": AFTER, "beside": FIRST}
    here = write_product(folder="here", **models)
    own = write_product(
        folder="own", floe=FLOE + f"execution: {{dbtExecutable: {dbt}}}\n", **models
    )
    told = [list(build(compiled(f), BuildRequest(job="shop", run_id="r"))) for f in (here, own)]
    assert statuses(told[0]) == statuses(told[1])
    assert told[0][-1] == told[1][-1]
    assert tables(here) == tables(own)


def test_a_dbt_of_the_products_own_goes_with_the_process_that_started_it(
    write_product: WriteProduct,
) -> None:
    dbt = Path(sys.executable).parent / "dbt"
    floe = FLOE + f"execution: {{dbtExecutable: {dbt}}}\n"
    folder = write_product(floe=floe, first=FIRST, broken=HANGS)
    compiled(folder)
    process = started_build(folder, "r")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("NodeStarted(unique_id='model.shop.broken'"):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: not dbt_processes(folder))


def dbt_processes(folder: Path) -> list[str]:
    """Return the command lines that call dbt for a folder."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in listed.stdout.splitlines() if f"--project-dir {folder}" in line]


def test_a_dbt_executable_that_is_not_there_is_named(write_product: WriteProduct) -> None:
    from floe_core.foundation.errors import EnvironmentProblemError

    dbt = Path(sys.executable).parent / "dbt"
    own = write_product(folder="own", first=FIRST).parent / "gone-dbt"
    own.symlink_to(dbt)
    folder = write_product(floe=FLOE + f"execution: {{dbtExecutable: {own}}}\n", first=FIRST)
    artifacts = compiled(folder)
    own.unlink()
    with pytest.raises(EnvironmentProblemError) as caught:
        list(build(artifacts, BuildRequest(job="shop", run_id="r")))
    assert str(caught.value).startswith(f"dbt executable {own}: there is no such program")


def test_a_variable_of_a_dbt_executable_that_is_not_set_is_named(
    write_product: WriteProduct,
) -> None:
    from floe_core.foundation.errors import EnvironmentProblemError

    own = "${DBT_OF_NOBODY}/bin/dbt"
    folder = write_product(floe=FLOE + f"execution: {{dbtExecutable: '{own}'}}\n", first=FIRST)
    told = f"dbt executable {own}: environment variable DBT_OF_NOBODY is not set"
    with pytest.raises(EnvironmentProblemError, match=re.escape(told)):
        compiled(folder)


def test_some_nodes_are_run_and_no_others(write_product: WriteProduct) -> None:
    folder = write_product(first=FIRST, second="select * from {{ ref('first') }}", beside=FIRST)
    # A folder named like a model: a selection by fully qualified name must not take it along.
    (folder / "models" / "first").mkdir()
    (folder / "models" / "first" / "inner.sql").write_text(FIRST)
    request = BuildRequest(job="shop", run_id="r", node_ids=("model.shop.first",))
    events = list(build(compiled(folder), request))
    assert statuses(events) == {"first": "success"}
    assert tables(folder) == {"first"}


def test_a_hook_that_fails_makes_the_build_red(write_product: WriteProduct) -> None:
    project = 'name: shop\nversion: 1.0.0\nprofile: shop\non-run-end: "select no_such_function()"\n'
    folder = write_product(dbt_project=project, first=FIRST)
    events = list(build(compiled(folder), BuildRequest(job="shop", run_id="r")))
    assert statuses(events) == {"first": "success"}
    assert isinstance(events[-1], BuildEnded)
    assert not events[-1].succeeded


def test_run_attempt_and_job_reach_the_models(write_product: WriteProduct) -> None:
    folder = write_product(
        first=TABLE
        + "select '{{ var(\"floe_run_id\") }}' as run, '{{ var(\"floe_job\") }}' as job, "
        "{{ var('floe_attempt') }} as attempt, '{{ var(\"floe_nominal_time\") }}' as tick"
    )
    list(build(compiled(folder), BuildRequest(job="shop", run_id="a/b:c", attempt=3)))
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        assert connection.execute("select * from first").fetchall() == [("a/b:c", "shop", 3, "")]


@pytest.mark.parametrize("node_id", ["model.shop.nope", ""])
def test_an_unknown_node_is_a_usage_error(write_product: WriteProduct, node_id: str) -> None:
    from floe_core.foundation.errors import UsageError

    artifacts = compiled(write_product())
    with pytest.raises(UsageError, match="shop has no node"):
        next(build(artifacts, BuildRequest(job="shop", run_id="r", node_ids=(node_id,))))
