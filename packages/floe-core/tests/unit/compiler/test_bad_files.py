"""Wrong files are refused with file, line, reason and fix; all problems at once; nothing written."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from plain_shop import FLOE, MANIFEST

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError

WriteProduct = Callable[..., Path]


OWN_PROFILE = "shop:\n  outputs:\n    default: {type: duckdb, token: hunter2}\n"


def refusal(folder: Path) -> str:
    """Return what compile says of a product, having made sure that it left the folder alone."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with pytest.raises(InvalidProductError) as caught:
        compile_product(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    return str(caught.value)


def test_broken_yaml(write_product: WriteProduct) -> None:
    assert refusal(write_product(floe=FLOE + "schedule: {cron: [\n")) == (
        "floe.yaml:6:1: broken YAML: expected the node content, but found '<stream end>'\n"
        "fix: fix the YAML"
    )


def test_an_empty_file(write_product: WriteProduct) -> None:
    assert refusal(write_product(floe="")) == (
        "floe.yaml:1:1: the file is empty, not a mapping of keys to values"
    )


def test_wrong_types_are_told_together(write_product: WriteProduct) -> None:
    floe = FLOE + "execution: {retries: many, maxParallel: 0}\ntransforms: stg\n"
    assert refusal(write_product(floe=floe)) == (
        "floe.yaml:5:22: execution.retries: 'many' is no whole number\n"
        "   5 | execution: {retries: many, maxParallel: 0}\n"
        "                            ^\n"
        "fix: write a whole number, without quotes\n"
        "\n"
        "floe.yaml:5:41: execution.maxParallel: 0 is less than 1\n"
        "   5 | execution: {retries: many, maxParallel: 0}\n"
        "                                               ^\n"
        "fix: write a larger number\n"
        "\n"
        "floe.yaml:6:13: transforms: 'stg' is no list\n"
        "   6 | transforms: stg\n"
        "                   ^\n"
        "fix: write a list: [a, b]"
    )


def test_a_number_for_a_text_is_not_repeated_as_yaml_reads_it(write_product: WriteProduct) -> None:
    assert refusal(write_product(floe=FLOE.replace("1.0.0", "1.10"))) == (
        "floe.yaml:3:33: metadata.version: YAML reads this as a number\n"
        "   3 | metadata: {name: shop, version: 1.10}\n"
        "                                       ^\n"
        "fix: put it in quotes"
    )


@pytest.mark.parametrize("version", ["1.0", "-1", "[1]", "{a: 1}", "true", "a b", "9" * 500 + "a"])
def test_a_version_of_a_port_is_a_number_or_a_text(
    write_product: WriteProduct, version: str
) -> None:
    ports = f"outputPorts: [{{model: people, version: {version}}}]\n"
    told = refusal(write_product(floe=FLOE + ports))
    assert re.search(r"outputPorts\.0\.version: .* is no version of a port\n", told)
    assert told.count("fix: ") == 1
    assert told.endswith("fix: write a whole number, or a version in quotes")


def test_misspelt_keys_are_answered_with_the_right_ones(write_product: WriteProduct) -> None:
    floe = FLOE + "shedule: {cron: '0 6 * * *'}\nexecution: {retrys: 1}\n"
    assert refusal(write_product(floe=floe)) == (
        "floe.yaml:5:1: unknown key 'shedule'\n"
        "   5 | shedule: {cron: '0 6 * * *'}\n"
        "       ^\n"
        "fix: did you mean 'schedule'?\n"
        "\n"
        "floe.yaml:6:13: unknown key 'retrys'\n"
        "   6 | execution: {retrys: 1}\n"
        "                   ^\n"
        "fix: did you mean 'retries'?"
    )


def test_problems_of_both_files_are_told_together(write_product: WriteProduct) -> None:
    told = refusal(write_product(floe=FLOE + "nope: 1\n", manifest=MANIFEST + "nada: 1\n"))
    assert told.startswith("floe.yaml:5:1: unknown key 'nope'")
    assert "manifest.yaml:7:1: unknown key 'nada'" in told


def test_an_unknown_orchestrator(write_product: WriteProduct) -> None:
    told = refusal(write_product(manifest=MANIFEST.replace("plain", "plian")))
    assert told.startswith("manifest.yaml:5:24: no orchestrator plugin named 'plian'\n")
    assert "fix: did you mean 'plain'? choose one of " in told


def test_plugins_that_are_not_approved(write_product: WriteProduct) -> None:
    manifest = MANIFEST + "approved_plugins: {orchestrator: [airflow], compute: [postgres]}\n"
    assert refusal(write_product(manifest=manifest)) == (
        "manifest.yaml:5:24: the orchestrator 'plain' is not in approved_plugins.orchestrator\n"
        "   5 |   orchestrator: {type: plain}\n"
        "                              ^\n"
        "fix: choose one of airflow\n"
        "\n"
        "manifest.yaml:6:19: the compute 'duckdb' is not in approved_plugins.compute\n"
        "   6 |   compute: {type: duckdb}\n"
        "                         ^\n"
        "fix: choose one of postgres"
    )


def test_a_lineage_backend_without_a_place(write_product: WriteProduct) -> None:
    manifest = MANIFEST + "  lineage_backend: {type: file, config: {log_file_path: events.jsonl}}\n"
    assert refusal(write_product(manifest=manifest)) == (
        "manifest.yaml:7:20: the lineage backend 'file' has no destination for events\n"
        "   7 |   lineage_backend: {type: file, config: {log_file_path: events.jsonl}}\n"
        "                          ^\n"
        "fix: give its config a `url`, or an OpenLineage transport: `{type: file, ...}`"
    )


def test_transforms_that_contradict_dbt(write_product: WriteProduct) -> None:
    floe = FLOE + (
        "transforms:\n"
        "  - {name: frist}\n"
        "  - {name: first, dependsOn: [second], path: models/other.sql, compute: spark}\n"
        "  - {name: second, dependsOn: [first]}\n"
        "  - {name: second}\n"
    )
    folder = write_product(
        floe=floe, first="select 1 as id", second="select * from {{ ref('first') }}"
    )
    assert [line for line in refusal(folder).splitlines() if line.startswith(("floe", "fix"))] == [
        "floe.yaml:6:12: unknown transform 'frist': no model, seed or snapshot of dbt has that name",
        "fix: did you mean 'first'?",
        "floe.yaml:7:31: dependsOn contradicts dbt: 'first' does not depend on 'second'",
        "fix: remove it, or ref() it in models/first.sql; dbt says it depends on nothing",
        "floe.yaml:7:46: path: dbt has 'first' at models/first.sql",
        "fix: write models/first.sql, or leave it out",
        "floe.yaml:7:73: compute 'spark' is not the platform's",
        "fix: write duckdb, or leave it out; a product runs on one compute",
        "floe.yaml:9:12: transform 'second' is defined twice",
        "fix: keep one",
    ]


@pytest.mark.parametrize("kind", ["table", "ephemeral"])
def test_a_cycle_is_shown(write_product: WriteProduct, kind: str) -> None:
    config = f"{{{{ config(materialized='{kind}') }}}} "
    folder = write_product(
        first=f"{config}select * from {{{{ ref('second') }}}}",
        second=f"{config}select * from {{{{ ref('first') }}}}",
    )
    assert refusal(folder) == (
        "models/first.sql: a cycle in the dbt graph: first -> second -> first\n"
        "fix: remove one of these ref()s"
    )


def test_a_wrong_semantic_model_is_told_as_by_dbt(write_product: WriteProduct) -> None:
    folder = write_product(first="select 1 as id", spine="select current_date as date_day")
    (folder / "models" / "schema.yml").write_text(
        """\
models:
  - name: spine
    time_spine: {standard_granularity_column: date_day}
    columns: [{name: date_day, granularity: day}]
semantic_models:
  - name: orders
    model: ref('first')
    dimensions: [{name: id, type: categorical}]
    measures: [{name: total, agg: sum, expr: id}]
metrics:
  - {name: revenue, label: Revenue, type: simple, type_params: {measure: total}}
"""
    )
    primary = (
        "The semantic model orders contains dimensions, but it does not define a primary entity. "
        "Either add an entity with type PRIMARY or set a value for the primary_entity key."
    )
    found = refusal(folder)
    assert primary in found
    assert found.endswith(
        "Parsing Error\n  Semantic Manifest validation failed.\n"
        "fix: fix the dbt project; `dbt parse` reports the same"
    )


def test_two_models_of_one_name(write_product: WriteProduct) -> None:
    folder = write_product()
    (folder / "models" / "sub").mkdir()
    (folder / "models" / "sub" / "first.sql").write_text("select 2 as id")
    assert 'dbt found two models with the name "first".' in refusal(folder)


def test_sql_that_dbt_cannot_read_is_pinned_to_its_file(write_product: WriteProduct) -> None:
    assert refusal(write_product(first="select {{ nope( }}")).startswith(
        "models/first.sql: dbt: Compilation Error in model first (models/first.sql)"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("models:\n  - name: first\n    tests: [unique\n", "models/sub/schema.yml:4:1: "),
        ("models:\n  - name: first\n   tests: []\n", "models/sub/schema.yml:3:4: "),
        ("models:\n  - nam: first\n", "models/sub/schema.yml: "),
        ("models:\n  - {name: first, columns: 3}\n", "models/sub/schema.yml: "),
    ],
)
def test_yaml_that_dbt_cannot_read_is_pinned_to_its_file(
    write_product: WriteProduct, text: str, place: str
) -> None:
    folder = write_product()
    (folder / "models" / "sub").mkdir()
    (folder / "models" / "sub" / "schema.yml").write_text(text)
    assert refusal(folder).startswith(f"{place}dbt: Parsing Error")


@pytest.mark.parametrize("name", ["../x", 'it"s', "Shop", "1shop", "shop\n", "a" * 300, ""])
def test_bad_product_names(write_product: WriteProduct, name: str) -> None:
    quoted = name.replace('"', '\\"').replace("\n", "\\n")
    told = refusal(write_product(floe=FLOE.replace("name: shop", f'name: "{quoted}"')))
    assert told.startswith("floe.yaml:3:18: metadata.name: ")


def test_bad_schedules_and_jobs(write_product: WriteProduct) -> None:
    floe = FLOE + (
        "schedule: {cron: '0 0 * * 5#3', timezone: europe/london}\n"
        "jobs:\n"
        "  - {name: a, select: 'tag:x', schedule: {cron: '99 * * * *'}}\n"
        "  - {name: a}\n"
        "  - {name: shop, selector: s, select: first}\n"
    )
    told = [line for line in refusal(write_product(floe=floe)).splitlines() if line[:5] == "floe."]
    assert [line.partition(";")[0] for line in told] == [
        "floe.yaml:5:18: cron expression '0 0 * * 5#3': day of week '5#3' cannot be used: '#' (nth "
        "weekday) is not understood everywhere",
        "floe.yaml:5:43: no time zone named 'europe/london'",
        "floe.yaml:7:23: job 'a': selects no node of the product",
        "floe.yaml:7:49: cron expression '99 * * * *': minute '99' is out of range",
        "floe.yaml:8:12: the job name 'a' clashes with the job 'a'",
        "floe.yaml:8:12: job 'a' has no selection",
        "floe.yaml:9:12: the job name 'shop' clashes with the product's own job, which runs all of it "
        "as 'shop'",
        "floe.yaml:9:12: job 'shop' has both a selector and select or exclude",
        "floe.yaml:9:28: job 'shop': dbt: Runtime Error",
    ]


def test_a_job_that_selects_nothing_and_one_that_dbt_cannot_read(
    write_product: WriteProduct,
) -> None:
    floe = FLOE + "jobs:\n  - {name: a, select: 'tag:x'}\n  - {name: b, select: 'foo:x'}\n"
    told = refusal(write_product(floe=floe))
    assert "floe.yaml:6:23: job 'a': selects no node of the product" in told
    assert "floe.yaml:7:23: job 'b': dbt: Runtime Error\n  'foo' is not a valid method name" in told


@pytest.mark.parametrize(
    "setting",
    [
        "password: hunter2",
        "password: 4711",
        "token: \"{{ env_var('TOKEN', 'hunter2') }}\"",
        "url: 'postgresql://someone:hunter2@host/db'",
        "path: 'md:shop?motherduck_token=hunter2'",
        "settings: {nested: {api_key: hunter2}}",
        "headers: ['Bearer hunter2hunter2']",
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(
    write_product: WriteProduct, setting: str
) -> None:
    compute = "{type: duckdb, config: {SETTING}}".replace("SETTING", setting)
    told = refusal(write_product(manifest=MANIFEST.replace("{type: duckdb}", compute)))
    assert "a literal secret\nfix: take it from the environment" in told
    assert "hunter2" not in told
    assert "4711" not in told


def test_a_literal_secret_in_the_projects_own_profile_is_refused(
    write_product: WriteProduct,
) -> None:
    folder = write_product(manifest=MANIFEST.replace("  compute: {type: duckdb}\n", ""))
    (folder / "profiles.yml").write_text(OWN_PROFILE)
    told = refusal(folder)
    assert told.startswith("profiles.yml:3:36: shop.outputs.default.token: a literal secret")
    assert "hunter2" not in told


def test_a_literal_secret_in_a_profile_that_floe_does_not_use_is_a_notice(
    write_product: WriteProduct,
) -> None:
    folder = write_product()
    (folder / "profiles.yml").write_text(OWN_PROFILE)
    notices: list[str] = []
    compile_product(folder, on_notice=notices.append)
    assert notices == [
        "profiles.yml is yours and stays; dbt runs with target/profiles.yml",
        "profiles.yml:3: shop.outputs.default.token: a literal secret; not used by floe",
    ]


def test_a_literal_secret_in_a_section_that_floe_does_not_use_is_a_notice(
    write_product: WriteProduct,
) -> None:
    unused = "  identity: {type: keycloak, config: {client_secret: hunter2}}\n"
    notices: list[str] = []
    compile_product(write_product(manifest=MANIFEST + unused), on_notice=notices.append)
    assert notices == [
        "manifest.yaml: not used here: plugins.identity",
        "manifest.yaml:7: plugins.identity.config.client_secret: a literal secret; not used by floe",
    ]


def test_a_manifest_that_is_no_file_says_what_is_supported(write_product: WriteProduct) -> None:
    floe = FLOE.replace("manifest.yaml", "oci://registry.example.com/platform:1.0")
    assert refusal(write_product(floe=floe)) == (
        "floe.yaml:4:22: platform.manifest: oci://registry.example.com/platform:1.0 is not a file; "
        "floe reads the manifest from a file\n"
        "   4 | platform: {manifest: oci://registry.example.com/platform:1.0}\n"
        "                            ^\n"
        "fix: fetch it, for instance with `oras pull`, and name the file, relative to floe.yaml"
    )


def test_a_secret_from_the_environment_is_taken_without_being_set(
    write_product: WriteProduct,
) -> None:
    compute = (
        "{type: duckdb, config: {secrets: [{type: s3, secret: \"{{ env_var('S3_SECRET') }}\"}]}}"
    )
    artifacts = compile_product(write_product(manifest=MANIFEST.replace("{type: duckdb}", compute)))
    assert artifacts.dbt.profile["secrets"] == [
        {"type": "s3", "secret": "{{ env_var('S3_SECRET') }}"}
    ]


def test_a_yaml_bomb(write_product: WriteProduct) -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for index in range(9):
        below = "a" if index == 0 else f"b{index - 1}"
        lines.append(f"b{index}: &b{index} [{', '.join([f'*{below}'] * 10)}]")
    assert refusal(write_product(floe=FLOE + "\n".join(lines))) == (
        "floe.yaml: more than 100,000 values once aliases are followed\n"
        "fix: write it out without aliases"
    )


def test_a_merge_key_that_leads_to_itself(write_product: WriteProduct) -> None:
    folder = write_product()
    with (folder / "dbt_project.yml").open("a") as file:
        file.write("\nzz: &z {<<: *z}\n")
    assert refusal(folder) == "dbt_project.yml: nested more than 64 deep\nfix: flatten it"


def test_a_yaml_tag(write_product: WriteProduct) -> None:
    told = refusal(write_product(floe=FLOE + "outputPorts: !!python/object/apply:os.getcwd []\n"))
    assert told.startswith(
        "floe.yaml:5:14: the YAML tag 'tag:yaml.org,2002:python/object/apply:os.getcwd' is not allowed"
    )


def test_a_file_of_50_megabytes(write_product: WriteProduct) -> None:
    folder = write_product()
    with (folder / "floe.yaml").open("ab") as file:
        file.truncate(50_000_000)
    assert refusal(folder) == (
        "floe.yaml: the file has 50,000,000 bytes; floe reads up to 1,000,000\n"
        "fix: this is not a floe file, or it is damaged"
    )


def test_a_file_that_is_no_utf_8(write_product: WriteProduct) -> None:
    folder = write_product()
    (folder / "manifest.yaml").write_bytes(b"kind: \xff\n")
    assert refusal(folder) == "manifest.yaml: byte 6 is not UTF-8\nfix: save the file as UTF-8"


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ("dbt_project.yml", "dbt_project.yml: there is no such file"),
        (
            "manifest.yaml",
            "floe.yaml:4:22: platform.manifest: there is no file manifest.yaml\n"
            "   4 | platform: {manifest: manifest.yaml}\n"
            "                            ^\n"
            "fix: name the platform team's manifest.yaml, relative to floe.yaml",
        ),
    ],
)
def test_a_missing_file(write_product: WriteProduct, missing: str, told: str) -> None:
    folder = write_product()
    (folder / missing).unlink()
    assert refusal(folder) == told


def test_a_folder_without_a_product(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_product()
    (folder / "floe.yaml").unlink()
    monkeypatch.chdir(folder.parent)
    assert refusal(folder) == (
        "product/floe.yaml: there is no product here: no such file\n"
        "fix: begin a product with `floe init`, or name the folder of one"
    )


def test_a_file_of_the_users_where_the_entry_point_goes(write_product: WriteProduct) -> None:
    folder = write_product()
    (folder / "plain_entry.py").write_text("mine = True\n")
    assert refusal(folder) == (
        "plain_entry.py: this file is not floe's, and compile would have to write over it\n"
        "fix: move it, or compile elsewhere with --out DIR"
    )


def test_a_wrong_policy_of_a_node_is_told_with_every_other(write_product: WriteProduct) -> None:
    def model(floe: str) -> str:
        return "{{ config(meta={'floe': " + floe + "}) }} select 1 as id"

    folder = write_product(
        a=model("{'retires': 1, 'timeoutSeconds': 0}"),
        b=model("7"),
        c=model("{'pool': 'a pool'}"),
        d=model("{'reuse': {'lagTolerance': 'an hour'}}"),
        e=model("{'reuse': 'sometimes'}"),
        f=model("{'reuse': 'content'}"),
    )
    reuse = "'never', 'content' or {lagTolerance: 1 h}"
    assert refusal(folder) == (
        "models/a.sql: meta.floe of model.shop.a: timeoutSeconds: 0 is not a whole number of "
        "seconds from 1 to 604800\n"
        "fix: write a whole number of seconds from 1 to 604800\n"
        "\n"
        "models/a.sql: meta.floe of model.shop.a: unknown key 'retires'\n"
        "fix: did you mean 'retries'?\n"
        "\n"
        "models/b.sql: meta.floe of model.shop.b: 7 is not a mapping\n"
        "fix: write a mapping with: retries, timeoutSeconds, pool, reuse\n"
        "\n"
        "models/c.sql: meta.floe of model.shop.c: pool: 'a pool' is not the name of a pool\n"
        "fix: use no spaces and none of / % & < >\n"
        "\n"
        "models/d.sql: meta.floe of model.shop.d: reuse: {'lagTolerance': 'an hour'} is not "
        f"{reuse}\n"
        f"fix: write {reuse}\n"
        "\n"
        f"models/e.sql: meta.floe of model.shop.e: reuse: 'sometimes' is not {reuse}\n"
        f"fix: write {reuse}\n"
        "\n"
        "models/f.sql: meta.floe of model.shop.f: reuse: 'content' hashes a table, and this is a "
        "view\n"
        "fix: leave it out"
    )


@pytest.mark.long
def test_a_timeout_of_a_node_needs_floes_own_process(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE + f"execution: {{dbtExecutable: {sys.prefix}/bin/dbt}}\n",
        a="{{ config(meta={'floe': {'timeoutSeconds': 5}}) }} select 1 as id",
    )
    assert refusal(folder) == (
        "models/a.sql: meta.floe of model.shop.a: timeoutSeconds: a node can't be timed where "
        "floe.yaml has `dbtExecutable`\n"
        "fix: leave it out; `execution.timeoutSeconds` times the build"
    )
