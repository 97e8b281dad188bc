"""Products whose dbt is a dbt 2, beside that same dbt by itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest
from awkward_projects import names, write_awkward_project
from mixed_product import NODES, write_mixed_product
from second_dbt import PROGRAMS, install_dbt_two, install_duckdb_driver

pytestmark = pytest.mark.slow

FLOE = Path(sys.executable).with_name("floe")
EXAMPLES = Path(__file__).parents[2] / "examples"
SIDES = os.environ.get("FLOE_AWKWARD_SIDES", "dbt,dagster").split(",")
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: shop.duckdb, threads: 2}}
"""
SPEC = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {{name: shop, version: 1.0.0}}
platform: {{manifest: manifest.yaml}}
execution: {{dbtExecutable: {dbt}{more}}}
"""
PROJECT = "name: shop\nversion: 1.0.0\nprofile: shop\nmodels:\n  +materialized: table\n"


@pytest.fixture(scope="module", params=PROGRAMS, ids=["dbt", "dbt-core"])
def dbt_two(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    return install_dbt_two(tmp_path_factory.mktemp("dbt-two"), request.param)


@pytest.fixture(scope="module", autouse=True)
def driver(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["ADBC_DRIVER_PATH"] = str(install_duckdb_driver(tmp_path_factory.mktemp("adbc")))


def write_shop(folder: Path, dbt: Path, files: dict[str, str], more: str = "") -> Path:
    texts = {
        "manifest.yaml": MANIFEST,
        "floe.yaml": SPEC.format(dbt=dbt, more=more),
        "dbt_project.yml": PROJECT,
        **files,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def floe(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([FLOE, *arguments], capture_output=True, text=True, check=False)


def parity(product: Path) -> Any:
    on = [text for side in SIDES for text in ("--on", side)]
    done = floe("parity", product, *on, "--json")
    told = json.loads(done.stdout)
    assert "equal" in told, f"{told}\n{done.stderr}"
    return told


def test_the_example_runs_as_dbt_2_runs_it(tmp_path: Path, dbt_two: Path) -> None:
    shutil.copytree(EXAMPLES, tmp_path / "examples", ignore=shutil.ignore_patterns(".floe"))
    product = tmp_path / "examples" / "customer-360"
    spec = product / "floe.yaml"
    named = f"execution: {{dbtExecutable: {dbt_two}, "
    spec.write_text(spec.read_text().replace("execution: {", named))
    told = parity(product)
    assert told["equal"], told
    assert len(told["nodes"]) == 26
    assert {run["status"] for run in told["runs"].values()} == {"success"}


FAILING = {
    "models/first.sql": "select 1 as id union all select 2\n",
    "models/broken.sql": "select no_such from {{ ref('first') }}\n",
    "models/below.sql": "select * from {{ ref('broken') }}\n",
    "models/part.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('first') }}\n",
    "models/whole.sql": "select id from {{ ref('part') }}\n",
    "models/added.sql": (
        "{{ config(materialized='incremental', unique_key='id') }}\n"
        "select id from {{ ref('first') }}\n"
    ),
    "models/schema.yml": (
        "models:\n  - name: whole\n    columns:\n      - name: id\n        data_tests:\n"
        "          - not_null\n"
        "          - accepted_values: {arguments: {values: [1]}, config: {severity: warn}}\n"
        "  - name: added\n    columns:\n      - name: id\n        data_tests:\n"
        "          - accepted_values: {arguments: {values: [1]}}\n"
    ),
}


def test_what_fails_fails_as_under_dbt_2(tmp_path: Path, dbt_two: Path) -> None:
    told = parity(write_shop(tmp_path, dbt_two, FAILING))
    assert told["equal"], told
    assert {run["status"] for run in told["runs"].values()} == {"failed"}


def test_why_a_model_failed_is_said(tmp_path: Path, dbt_two: Path) -> None:
    """dbt 2 says it in another message than the end of the node."""
    done = floe("run", write_shop(tmp_path, dbt_two, FAILING), "--json")
    assert done.returncode == 1
    of_broken = json.loads(done.stdout)["errors"]["model.shop.broken"]
    assert of_broken.startswith("[DbDriverFailed (dbt1308)]: Database Error in model broken")
    assert 'Referenced column "no_such" not found' in of_broken
    assert "<unknown>" not in done.stdout + done.stderr


@pytest.mark.parametrize("when", ["on-run-start", "on-run-end"])
def test_a_hook_that_fails_fails_the_run(tmp_path: Path, dbt_two: Path, when: str) -> None:
    files = {
        "dbt_project.yml": f'{PROJECT}{when}: "select 1 from nowhere_to_be_found"\n',
        "models/first.sql": "select 1 as id\n",
    }
    done = floe("run", write_shop(tmp_path, dbt_two, files), "--json")
    assert done.returncode == 1
    assert "nowhere_to_be_found" in json.loads(done.stdout)["message"]


def test_a_selection_is_what_dbt_2_takes(tmp_path: Path, dbt_two: Path) -> None:
    done = floe("run", write_shop(tmp_path, dbt_two, FAILING), "--select", "first broken", "--json")
    assert set(json.loads(done.stdout)["nodes"]) == {
        "model.shop.first",
        "model.shop.broken",
    }


def test_a_retry_runs_only_what_failed(tmp_path: Path, dbt_two: Path) -> None:
    files = {
        "dbt_project.yml": f'{PROJECT}  +pre-hook: "create table if not exists begun (m varchar)"\n'
        "  +post-hook: \"insert into begun values ('{{ this.identifier }}')\"\n",
        "models/first.sql": "select 1 as id\n",
        "models/later.sql": (
            "select {% if var('floe_attempt', 1) == 1 %}no_such{% else %}id{% endif %} as id "
            "from {{ ref('first') }}\n"
        ),
    }
    product = write_shop(tmp_path, dbt_two, files, ", retries: 1, retryDelaySeconds: 1")
    done = floe("run", product, "--json")
    assert done.returncode == 0, done.stderr
    query = "import duckdb; print(duckdb.connect('shop.duckdb').sql('from begun').fetchall())"
    asked = subprocess.run(
        [sys.executable, "-c", query], cwd=product, capture_output=True, text=True, check=True
    )
    assert sorted(re.findall(r"'(\w+)'", asked.stdout)) == ["first", "later"]


def test_a_run_that_takes_too_long_is_ended(tmp_path: Path, dbt_two: Path) -> None:
    slow = "select count(*) as n from range(1000000000000) where range % 3 = 1\n"
    product = write_shop(tmp_path, dbt_two, {"models/slow.sql": slow}, ", timeoutSeconds: 6")
    done = floe("run", product, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["message"].splitlines()[0]) == (1, "timed out after 6 s")
    assert told["nodes"] == {"model.shop.slow": "error"}
    assert [
        p for p in psutil.process_iter(["cmdline"]) if str(dbt_two) in (p.info["cmdline"] or [])
    ] == []


def test_what_is_wrong_in_the_project_is_said_with_its_place(tmp_path: Path, dbt_two: Path) -> None:
    files = {
        "models/one.sql": "select * from {{ ref('nothing_here') }}\n",
        "models/two.sql": "select 1 {% if %}\n",
    }
    done = floe("compile", write_shop(tmp_path, dbt_two, files))
    assert done.returncode == 1
    assert done.stderr.count("fix: ") == 2
    assert (
        "models/one.sql:1:15: dbt: [DependencyNotFound (dbt1048)]: Ref 'nothing_here'"
        in done.stderr
    )
    assert "models/two.sql:1:" in done.stderr
    assert "<unknown>" not in done.stderr


@pytest.mark.parametrize("name", names())
def test_an_awkward_project_runs_as_dbt_2_runs_it(name: str, tmp_path: Path, dbt_two: Path) -> None:
    product = write_awkward_project(name, tmp_path / name)
    with (product / "floe.yaml").open("a") as spec:
        spec.write(f"execution: {{dbtExecutable: {dbt_two}}}\n")
    told = parity(product)
    differing = {i: n["differences"] for i, n in told["nodes"].items() if n["differences"]}
    assert (differing, told["differences"]) == ({}, [])


def test_the_mixed_product_runs_as_dbt_2_runs_it(tmp_path: Path, dbt_two: Path) -> None:
    product = write_mixed_product(tmp_path / "mixed")
    spec = product / "floe.yaml"
    named = f"execution: {{dbtExecutable: {dbt_two}, "
    spec.write_text(spec.read_text().replace("execution: {", named))
    told = parity(product)
    assert told["equal"], told
    assert len(told["nodes"]) == NODES
    assert {run["status"] for run in told["runs"].values()} == {"success"}


def test_what_is_unchanged_is_reused_under_dbt_2(tmp_path: Path, dbt_two: Path) -> None:
    """dbt 2 writes compiled SQL to its manifest alone."""
    files = {
        "seeds/raw.csv": "id,name\n1,a\n2,b\n",
        "models/first.sql": "select id, name from {{ ref('raw') }}\n",
        "models/ids.sql": "select id from {{ ref('first') }}\n",
        "models/names.sql": "select name from {{ ref('first') }}\n",
        "models/schema.yml": "models: [{name: ids, columns: [{name: id, data_tests: [unique]}]}]\n",
    }
    product = write_shop(tmp_path, dbt_two, files, ", reuse: unchanged")

    def reused() -> set[str]:
        done = floe("run", product, "--json")
        assert done.returncode == 0, done.stderr
        nodes = json.loads(done.stdout)["nodes"]
        return {name.split(".")[2] for name, status in nodes.items() if status == "reused"}

    assert reused() == set()
    assert reused() == {"raw", "first", "ids", "names", "unique_ids_id"}
    (product / "models" / "first.sql").write_text(
        "select id, upper(name) as name from {{ ref('raw') }}\n"
    )
    assert reused() == {"raw", "ids", "unique_ids_id"}
    with_duckdb = "import duckdb; print(duckdb.connect('shop.duckdb').sql('from names order by 1').fetchall())"
    asked = subprocess.run(
        [sys.executable, "-c", with_duckdb], cwd=product, capture_output=True, text=True, check=True
    )
    assert asked.stdout == "[('A',), ('B',)]\n"


SOURCES = """\
sources:
  - name: raw
    schema: raw
    tables:
      - {name: fresh, config: {loaded_at_field: loaded, freshness: {error_after: {count: 1, period: day}}}}
      - {name: stale, config: {loaded_at_field: loaded, freshness: {error_after: {count: 1, period: day}}}}
"""


@pytest.mark.parametrize("dbt_two", PROGRAMS[:1], ids=["dbt"], indirect=True)
@pytest.mark.parametrize(
    ("how", "stale", "below"), [("gate", "fail", "skipped"), ("report", "warn", "success")]
)
def test_the_freshness_of_sources_is_what_dbt_2_measures(
    how: str, stale: str, below: str, tmp_path: Path, dbt_two: Path
) -> None:
    """The open-source build has no `dbt source freshness` yet."""
    hooks = [
        "create schema if not exists raw",
        "create table if not exists raw.fresh as select now() as loaded",
        "create table if not exists raw.stale as select timestamptz '2020-01-01' as loaded",
    ]
    files = {
        "dbt_project.yml": f"{PROJECT}on-run-start: {json.dumps(hooks)}\n",
        "models/sources.yml": SOURCES,
        "models/first.sql": "select 1 as id\n",
        "models/of_fresh.sql": "select * from {{ source('raw', 'fresh') }}\n",
        "models/of_stale.sql": "select * from {{ source('raw', 'stale') }}\n",
    }
    product = write_shop(tmp_path, dbt_two, files, f", freshness: {how}")
    assert floe("run", product, "--select", "first").returncode == 0
    done = floe("run", product, "--json")
    assert json.loads(done.stdout)["nodes"] == {
        "freshness.shop.raw.fresh": "pass",
        "freshness.shop.raw.stale": stale,
        "model.shop.first": "success",
        "model.shop.of_fresh": "success",
        "model.shop.of_stale": below,
    }
    assert "<unknown>" not in done.stdout + done.stderr


def compare_with_dbt_2(folder: Path, dbt: Path) -> subprocess.CompletedProcess[str]:
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns(".floe"))
    product = folder / "examples" / "customer-360"
    return floe("parity", product, "--dbt", "floe", "--dbt", dbt, "--json")


@pytest.mark.parametrize("dbt_two", PROGRAMS[:1], ids=["dbt"], indirect=True)
def test_two_dbts_are_compared_and_what_differs_is_explained(tmp_path: Path, dbt_two: Path) -> None:
    """dbt 2 makes BIGINT of the numbers of seeds, and so of all that reads them."""
    done = compare_with_dbt_2(tmp_path, dbt_two)
    told = json.loads(done.stdout)
    assert done.returncode == 1
    ours, theirs = told["runs"]
    assert (ours[:14], theirs[:14]) == ("dagster, dbt 1", "dagster, dbt 2")
    differing = {i: each["differences"] for i, each in told["nodes"].items() if each["differences"]}
    assert sorted(i.split(".")[0] for i in differing) == [*["model"] * 6, *["seed"] * 3, "snapshot"]
    for differences in differing.values():
        *types, cause = differences
        assert all(f"INTEGER on {ours}, BIGINT on {theirs}" in text for text in types)
        assert "dbt 2 makes BIGINT" in cause
    assert told["differences"] == []


@pytest.mark.parametrize("dbt_two", PROGRAMS[1:], ids=["dbt-core"], indirect=True)
def test_the_open_source_dbt_2_makes_the_tables_of_dbt_1(tmp_path: Path, dbt_two: Path) -> None:
    done = compare_with_dbt_2(tmp_path, dbt_two)
    assert (done.returncode, json.loads(done.stdout)["equal"]) == (0, True), done.stderr


EVENTS = """\
{{ config(event_time="happened_at") }}
select range as happened_at
from range(timestamp '2026-10-28', current_date + interval 1 day, interval 6 hour)
"""
BY_DAY = """\
{{ config(materialized="incremental", incremental_strategy="microbatch", event_time="happened_at",
          batch_size="day", lookback=3, begin="2026-10-28") }}
select happened_at, '{{ var("floe_nominal_time", "") }}' as tick from {{ ref("events") }}
"""
DAYS_OF_TICK = """\
select distinct happened_at::date::text from by_day where tick = '{tick}' order by 1
"""


def test_a_tick_builds_the_batches_that_dbt_2_builds_at_its_time(
    tmp_path: Path, dbt_two: Path
) -> None:
    schedule = 'schedule: {cron: "0 2 * * *", timezone: UTC}\n'
    files = {"models/events.sql": EVENTS, "models/by_day.sql": BY_DAY}
    product = write_shop(tmp_path / "product", dbt_two, files)
    (product / "floe.yaml").write_text((product / "floe.yaml").read_text() + schedule)
    for day in ("2026-11-10", "2026-11-05"):
        done = floe("run", product, "--backfill", day, day)
        assert done.returncode == 0, done.stderr

    def days_of(tick: str) -> list[str]:
        with duckdb.connect(str(product / "shop.duckdb"), read_only=True) as connection:
            return [day for (day,) in connection.execute(DAYS_OF_TICK.format(tick=tick)).fetchall()]

    late = days_of("2026-11-05T02:00:00+00:00")
    first = days_of("2026-11-10T02:00:00+00:00")
    assert (first[0], late[-1], first[-1]) == ("2026-10-28", "2026-11-05", "2026-11-10")
    # dbt 2 by itself, at its own time.
    said = ["--profiles-dir", product, "--vars", "{floe_nominal_time: now}"]
    subprocess.run([dbt_two, "build", *said], cwd=product, check=True, capture_output=True)
    assert len(late) == len(days_of("now"))
