"""`floe ci` on a DuckDB file: what it builds, what it says, and that production stays as it is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest
from changed_shop import BASE, DUCKDB, HEAD, WHOLE_AMOUNT, build_production, write_shop
from click.testing import Result
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, UsageError

READER = "{{ config(materialized='table') }}\nselect amount from {{ ref('halved') }}\n"
GOLDEN = Path(__file__).with_name("comment.md")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_shop(tmp_path_factory.mktemp("production") / "base")
    build_production(folder)
    return folder


@pytest.fixture
def base(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give production in a folder of its own, as `base` in the current one."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(built, tmp_path / "base", ignore=shutil.ignore_patterns("target", "logs"))
    return tmp_path / "base"


def ci(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["ci", *arguments], catch_exceptions=False)


def check(*arguments: str) -> Any:
    return json.loads(ci(*arguments, "--json").stdout)


def digests(folder: Path) -> dict[str, str]:
    """Return file -> hash of its content, without what floe remembers of killed checks."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".floe" not in path.parts
    }


def test_the_comment_is_this_one_and_production_stays_as_it_was(base: Path, tmp_path: Path) -> None:
    head = write_shop(tmp_path / "head", HEAD)
    before = digests(base), digests(head)
    done = ci("base", "head", "--output", "comment.md", "--samples", "2")
    assert done.stdout == GOLDEN.read_text()
    assert (tmp_path / "comment.md").read_text() == GOLDEN.read_text()
    assert done.exit_code == 1
    assert (digests(base), digests(head)) == before
    assert list((head / ".floe" / "ci").iterdir()) == []


def test_a_check_publishes_no_artifacts(base: Path, tmp_path: Path) -> None:
    head, published = write_shop(tmp_path / "head", HEAD), tmp_path / "published"
    with (head / "floe.yaml").open("a") as spec:
        spec.write(f"artifacts: {{to: '{published}'}}\n")
    assert check("base", "head")["nodes"]
    assert not published.exists()


def test_only_readers_of_what_differs_are_built(base: Path, tmp_path: Path) -> None:
    write_shop(tmp_path / "head", HEAD)
    found = check("base", "head")
    assert {i: (each["why"], each["status"]) for i, each in found["nodes"].items()} == {
        "model.shop.stg_orders": ("its code changed", "success"),
        "model.shop.big_customers": ("new", "success"),
        "model.shop.revenue": ("column amount of stg_orders differs", "success"),
        "model.shop.report": ("column revenue of revenue differs", "success"),
        "test.shop.unique_revenue_customer.29afee1a98": (
            "revenue is built, which it tests",
            "pass",
        ),
    }
    assert [(each["node_id"], each["what"]) for each in found["breaking"]] == [
        ("model.shop.old", "main.old is gone")
    ]


@pytest.mark.parametrize("is_called", [False, True])
def test_readers_of_a_model_with_another_sql_header_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_called: bool
) -> None:
    def halved(value: str) -> dict[str, str]:
        header = f"set integer_division={value};"
        of_config = "" if is_called else f", sql_header='{header}'"
        called = "{% call set_sql_header(config) %}" + header + "{% endcall %}"
        config = f"{{{{ config(materialized='table'{of_config}) }}}}"
        text = f"{config}\n{called if is_called else ''}\nselect 1 as id, 7 / 2 * 10 as amount\n"
        return {"models/halved.sql": text, "models/reader.sql": READER}

    monkeypatch.chdir(tmp_path)
    build_production(write_shop(tmp_path / "base", halved("false")))
    write_shop(tmp_path / "head", halved("true"))
    found = check("base", "head")
    assert {i: (each["why"], each["status"]) for i, each in found["nodes"].items()} == {
        "model.shop.halved": ("its configuration changed", "success"),
        "model.shop.reader": ("halved differs", "success"),
    }
    assert {table["node_id"] for table in found["data"]["tables"]} == {*found["nodes"]}


def test_columns_that_are_gone_or_of_another_type_break_readers(base: Path, tmp_path: Path) -> None:
    fewer = {"models/report.sql": "select customer from {{ ref('revenue') }}\n"}
    write_shop(tmp_path / "head", WHOLE_AMOUNT, fewer)
    found = check("base", "head")
    assert [(each["node_id"], each["what"]) for each in found["breaking"]] == [
        ("model.shop.report", "column revenue is gone"),
        ("model.shop.revenue", "column revenue: DOUBLE becomes HUGEINT"),
        ("model.shop.stg_orders", "column amount: DOUBLE becomes INTEGER"),
    ]


@pytest.mark.parametrize(
    ("change", "options", "code"),
    [
        ({}, [], 0),
        ({"models/stg_orders.sql": HEAD["models/stg_orders.sql"]}, [], 0),
        (WHOLE_AMOUNT, [], 1),
        (WHOLE_AMOUNT, ["--allow-breaking"], 0),
        ({"models/new.sql": "select no_such_column"}, ["--allow-breaking"], 1),
        (
            {
                "models/new.sql": "select 1 as id union all select 1",
                "models/new.yml": "models: [{name: new, columns: [{name: id, "
                "data_tests: [unique]}]}]\n",
            },
            ["--allow-breaking"],
            1,
        ),
    ],
    ids=["nothing", "values", "breaking", "allowed", "error", "failed test"],
)
def test_the_exit_code_says_whether_it_may_be_merged(
    base: Path, tmp_path: Path, change: dict[str, str], options: list[str], code: int
) -> None:
    write_shop(tmp_path / "head", change)
    done = ci("base", "head", *options)
    assert done.exit_code == code, done.stdout


def test_a_private_model_breaks_nobody(base: Path, tmp_path: Path) -> None:
    private = {"models/old.yml": "models: [{name: old, access: private}]\n"}
    write_shop(base, private)
    write_shop(tmp_path / "head", {"models/old.sql": ""})
    assert check("base", "head")["breaking"] == []


def test_what_production_lacks_is_built_where_it_is_read(base: Path, tmp_path: Path) -> None:
    lonely = {"models/lonely.sql": "select 7 as id\n", "models/unread.sql": "select 8 as id\n"}
    reader = {"models/reader.sql": "select id from {{ ref('lonely') }}\n"}
    write_shop(base, lonely)
    write_shop(tmp_path / "head", lonely, reader)
    found = check("base", "head")
    assert {i: (each["why"], each["status"]) for i, each in found["nodes"].items()} == {
        "model.shop.lonely": ("not in production, and reader reads it", "success"),
        "model.shop.reader": ("new", "success"),
    }


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    command = ["git", *settings, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_commits_of_a_repository_are_checked_and_it_stays_as_it_is(
    base: Path, tmp_path: Path
) -> None:
    (tmp_path / ".gitignore").write_text("*.duckdb\ntarget/\nlogs/\n.floe/\n")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".gitignore", "base")
    git(tmp_path, "commit", "--quiet", "--message", "before")
    git(tmp_path, "checkout", "--quiet", "-b", "feature")
    write_shop(base, HEAD)
    git(tmp_path, "commit", "--quiet", "--all", "--message", "after")
    (base / "models" / "not_committed.sql").write_text("select nothing from nowhere")
    before = digests(tmp_path)
    found = check("main", "feature", "--product", "base")
    by_folders = set(found["nodes"])
    assert (found["status"], found["base"], found["head"]) == ("success", "main", "feature")
    assert len(by_folders) == 4
    assert "model.shop.big_customers" not in by_folders
    assert digests(tmp_path) == before
    with pytest.raises(UsageError) as refused:
        ci("main", "no-such-branch", "--product", "base")
    assert str(refused.value) == (
        f"'no-such-branch' is neither a folder with floe.yaml nor a commit of {tmp_path}; a "
        "shallow clone lacks commits: fetch it (actions/checkout: `fetch-depth: 0`)"
    )


@pytest.mark.parametrize(
    ("product", "message"),
    [
        ("typo", "'HEAD' is not a folder with floe.yaml, and there is no typo"),
        ("models", "'HEAD' has no models/floe.yaml; name the product's folder: --product"),
    ],
)
def test_a_folder_that_is_no_product_is_refused_and_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.sql").write_text("select 1 as id")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", "models")
    git(tmp_path, "commit", "--quiet", "--message", "all of it")
    with pytest.raises(UsageError) as refused:
        ci("HEAD", "HEAD", "--product", product)
    assert str(refused.value) == message
    assert sorted(each.name for each in tmp_path.iterdir()) == [".git", "models"]
    assert [each.name for each in (tmp_path / "models").iterdir()] == ["one.sql"]


def test_a_state_folder_that_cannot_be_written_is_an_error(base: Path) -> None:
    journal = base / ".floe" / "ci"
    journal.mkdir(parents=True, exist_ok=True)
    without = ["setpriv", "--bounding-set=-dac_override"] if os.getuid() == 0 else []
    command = [*without, sys.executable, "-m", "floe_core.cli", "ci", str(base), str(base)]
    journal.chmod(0o555)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        journal.chmod(0o755)
    assert (done.returncode, done.stderr) == (
        3,
        f"{journal}: cannot be written (Permission denied); set FLOE_STATE_DIR to a folder that "
        "can\n",
    )


def test_a_production_that_is_not_there_is_an_error(base: Path, tmp_path: Path) -> None:
    (base / "shop.duckdb").unlink()
    write_shop(tmp_path / "head", HEAD)
    with pytest.raises(EnvironmentProblemError) as raised:
        ci("base", "head")
    assert str(raised.value) == (
        f"{base}/shop.duckdb: there is no such file, and production's tables are expected in it; "
        "run the product first, or choose another target with DBT_TARGET"
    )


def test_a_comment_that_could_not_be_written_is_refused_first(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        ci("base", "base", "--output", "no-such-folder/comment.md")


def test_a_model_that_goes_elsewhere_is_refused_before_anything_runs(
    base: Path, tmp_path: Path
) -> None:
    macro = (
        "{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}"
    )
    fixed = {
        "macros/names.sql": macro,
        "models/fixed.sql": "{{ config(schema='fixed') }} select 1 as id",
    }
    write_shop(tmp_path / "head", fixed)
    with pytest.raises(InvalidProductError) as refused:
        ci("base", "head")
    assert str(refused.value) == (
        "models/fixed.sql: model.shop.fixed goes to the schema 'fixed' whatever the target's is, "
        "and ci writes to schemas of its own only\n"
        "fix: choose a target, with DBT_TARGET, where generate_schema_name uses target.schema"
    )


ODDITIES = {
    "models/grown.sql": "{{ config(materialized='incremental', unique_key='id') }}\n"
    "select id, amount from {{ ref('stg_orders') }}\n"
    "{% if is_incremental() %} where id > 1 {% endif %}\n",
    "models/on_fixed.sql": "select id, amount from {{ ref('fixed') }}\n",
    "snapshots/fixed.sql": "{% snapshot fixed %}{{ config(unique_key='id', strategy='check', "
    "check_cols='all', target_schema='snaps') }}\n"
    "select id, amount from {{ ref('stg_orders') }}{% endsnapshot %}\n",
    "snapshots/kept.yml": "snapshots:\n  - {name: kept, relation: ref('stg_orders'), "
    "config: {unique_key: id, strategy: check, check_cols: all}}\n",
}
UNIT_TEST = {
    "models/unit.yml": "unit_tests:\n  - name: counts\n    model: customers\n"
    "    given: [{input: ref('stg_orders'), rows: [{customer: 1}, {customer: 1}]}]\n"
    "    expect: {rows: [{customer: 1, orders: 2}]}\n"
}


def test_what_keeps_rows_is_built_from_nothing_and_a_fixed_snapshot_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    build_production(write_shop(tmp_path / "base", ODDITIES))
    amount = {"models/stg_orders.sql": HEAD["models/stg_orders.sql"]}
    write_shop(tmp_path / "head", ODDITIES, UNIT_TEST, amount)
    found = check("base", "head")
    of_unit_test = found["nodes"].pop("unit_test.shop.customers.counts")
    assert (of_unit_test["why"], of_unit_test["status"]) == ("new", "pass")
    assert {i.split(".")[2]: each["status"] for i, each in found["nodes"].items()} == {
        "stg_orders": "success",
        "customers": "success",  # for its new unit test
        "unique_customers_customer": "pass",
        "grown": "success",
        "revenue": "success",
        "unique_revenue_customer": "pass",
        "report": "success",
        "fixed": "skipped",
        "on_fixed": "success",
        "kept": "success",
    }
    assert found["left_out"] == ["snapshot.shop.fixed"]
    assert found["not_compared"] == ["snapshot.shop.kept"]
    differing = {table["node_id"].split(".")[2] for table in found["data"]["tables"]}
    # What reads the snapshot was given production's, and is as it was.
    assert differing == {"stg_orders", "grown", "revenue", "report"}


OF_WIDE = "select * from {{ ref('wide') }}\n"
GROWING = {
    "models/wide.sql": "select 1 as id, 2 as lost\n",
    "models/remade.sql": "{{ config(materialized='table') }}" + OF_WIDE,
    "models/synced.sql": "{{ config(materialized='incremental', "
    "on_schema_change='sync_all_columns') }}" + OF_WIDE,
    "models/appended.sql": "{{ config(materialized='incremental', "
    "on_schema_change='append_new_columns') }}" + OF_WIDE,
    "snapshots/wide.yml": "snapshots:\n  - {name: taken, relation: ref('wide'), "
    "config: {unique_key: id, strategy: check, check_cols: all}}\n",
}


def test_a_column_is_gone_where_the_next_run_of_dbt_drops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_lost() -> set[str]:
        with duckdb.connect(str(tmp_path / "base" / "shop.duckdb"), read_only=True) as warehouse:
            sql = "select table_name from duckdb_columns() where column_name = 'lost'"
            return {name for (name,) in warehouse.execute(sql).fetchall()}

    monkeypatch.chdir(tmp_path)
    build_production(write_shop(tmp_path / "base", GROWING))
    before = with_lost()
    smaller = {"models/wide.sql": "select 1 as id, 3 as more\n"}
    write_shop(tmp_path / "head", GROWING, smaller)
    gone = {each["node_id"].split(".")[2] for each in check("base", "head")["breaking"]}
    build_production(write_shop(tmp_path / "base", smaller))
    assert gone == before - with_lost() == {"wide", "remade", "synced"}


def test_products_that_a_port_breaks_are_named_and_no_port_is_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv("FLOE_LEDGER", str(tmp_path / "ledger"))
    compute = DUCKDB.replace("shop.duckdb", str(tmp_path / "base" / "shop.duckdb"))
    platform = f"{compute}products: {{shop: {tmp_path}/base, reader: {tmp_path}/reader}}\n"
    port = {
        "floe.yaml": BASE["floe.yaml"] + "outputPorts: [{name: revenue, model: revenue}]\n",
    }
    renamed = {
        "models/revenue.sql": BASE["models/revenue.sql"].replace("as revenue", "as total"),
    }
    reader = {
        "floe.yaml": BASE["floe.yaml"].replace("name: shop", "name: reader")
        + "inputPorts: [{product: shop, port: revenue, version: 1}]\n",
        "dbt_project.yml": "name: reader\nversion: 1.0.0\nprofile: reader\n",
        "models/reads.sql": "select revenue from {{ ref('shop', 'revenue') }}\n",
    }
    build_production(write_shop(tmp_path / "base", port, compute=platform))
    compile_product(tmp_path / "base")
    nothing = {name: "" for name in BASE if name.startswith(("models/", "seeds/"))}
    compile_product(write_shop(tmp_path / "reader", nothing, reader, compute=platform))
    write_shop(tmp_path / "head", port, renamed, compute=platform)
    done = ci("base", "head")
    assert done.exit_code == 1
    assert "### Ports broken (1)\n\n- revenue@1: column revenue dropped; breaks reader\n" in (
        done.stdout
    )
    assert ci("base", "head", "--allow-breaking").exit_code == 0
    assert not [*(tmp_path / "ledger").iterdir()]
    newer = tmp_path / "reader" / "compiled_artifacts.json"
    newer.write_text(newer.read_text().replace('"schema_version":"1.0"', '"schema_version":"2.0"'))
    assert check("base", "base")["unread_products"] == [
        "product 'reader' was not checked, it may read the ports: "
        "schema version 2.0, but this floe reads 1.x"
    ]
    comment = ci("base", "base").stdout
    assert "**The build passed, nothing breaks in the products checked.**" in comment
    assert "\n- product 'reader' was not checked, it may read the ports: schema" in comment
