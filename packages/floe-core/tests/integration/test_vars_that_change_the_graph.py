"""Vars of a run that enable and disable nodes: green where plain dbt is, with the same tables."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from plain_shop import FLOE, MANIFEST
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.runs.build_events import BuildEnded, NodeLog, NodeResult, from_line, to_line
from floe_core.schemas import CompiledArtifacts

OPTIONAL = "{{ config(enabled=var('optional', true)) }} "
FILES = {
    "floe.yaml": FLOE,
    "manifest.yaml": MANIFEST,
    "dbt_project.yml": "name: shop\nversion: 1.0.0\nprofile: shop\n",
    "seeds/names.csv": "id,name\n1,a\n",
    "models/between.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
    "models/first.sql": "select * from {{ ref('between') }}",
    "models/second.sql": OPTIONAL + "select * from {{ ref('first') }}",
    "models/third.sql": OPTIONAL + "select * from {{ ref('second') }}",
    "models/hidden.sql": (
        "{{ config(enabled=var('extra', false)) }} select * from {{ ref('first') }}"
    ),
    "tests/third_is_small.sql": "select * from {{ ref('third') }} where id > 1",
    "models/schema.yml": """\
seeds:
  - name: names
    config: {enabled: "{{ var('optional', true) }}"}
models:
  - name: first
    columns: [{name: id, data_tests: [unique]}]
  - name: second
    columns: [{name: id, data_tests: [unique]}]
unit_tests:
  - name: copies
    model: second
    given: [{input: ref('first'), rows: [{id: 5}]}]
    expect: {rows: [{id: 5}]}
""",
}
OF_SOURCES = {
    "models/sources.yml": """\
sources:
  - name: raw
    schema: main
    config: {loaded_at_field: loaded_at, freshness: {error_after: {count: 1, period: day}}}
    tables:
      - name: ours
      - name: theirs
        config: {enabled: "{{ var('optional', true) }}"}
""",
    "models/loaded.sql": "select * from {{ source('raw', 'ours') }}",
    "models/copied.sql": OPTIONAL + "select * from {{ source('raw', 'theirs') }}",
}
DISABLED = {
    "model.shop.second",
    "model.shop.third",
    "seed.shop.names",
    "test.shop.third_is_small",
    "test.shop.unique_second_id.6ad2901c0b",
    "unit_test.shop.second.copies",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, plain_site: Path) -> CompiledArtifacts:
    folder = tmp_path_factory.mktemp("shop")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(plain_site))
        return compile_product(folder)


@pytest.mark.parametrize("select", ["", "second third_is_small"])
def test_what_the_vars_disable_is_skipped_in_a_green_run(
    shop: CompiledArtifacts, select: str
) -> None:
    parameters = RunParameters(select=select, vars={"optional": False})
    events = [*build(shop, BuildRequest("shop", f"disabled {select}", parameters=parameters))]
    results = {event.unique_id: event for event in events if isinstance(event, NodeResult)}
    skipped = {i for i, each in results.items() if each.status == "skipped"}
    built = _built_by_dbt(shop.folder, {"optional": False}, select)
    assert {i: each.status for i, each in results.items() if i not in skipped} == built
    assert skipped == DISABLED & results.keys()
    assert skipped
    assert {results[i].message for i in skipped} == {"disabled by the vars of this run"}
    assert events[-1] == BuildEnded(succeeded=True)
    assert f"disabled by the vars of this run: {', '.join(sorted(skipped))}" in _warnings(events)
    assert all(from_line(to_line(each)) == each for each in results.values())


def test_what_the_vars_enable_is_built_and_named(shop: CompiledArtifacts) -> None:
    parameters = RunParameters(vars={"extra": True})
    events = [*build(shop, BuildRequest("shop", "enabled", parameters=parameters))]
    assert events[-1] == BuildEnded(succeeded=True)
    assert _warnings(events) == [
        "enabled by the vars of this run: model.shop.hidden (success); "
        "dbt ran them, but the compiled graph does not have them"
    ]
    with duckdb.connect(str(shop.folder / "shop.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select * from hidden").fetchall() == [(1,)]


@pytest.mark.parametrize("select", ["first hidden", "names first+ --exclude third", "first"])
def test_what_the_vars_enable_is_built_if_it_is_selected(
    shop: CompiledArtifacts, select: str
) -> None:
    values = {"extra": True}
    chosen, _, excluded = select.partition(" --exclude ")
    parameters = RunParameters(select=chosen, exclude=excluded, vars=values)
    events = [*build(shop, BuildRequest("shop", f"chosen {select}", parameters=parameters))]
    assert events[-1] == BuildEnded(succeeded=True)
    of_dbt = _built_by_dbt(shop.folder, values, select)
    results = {event.unique_id: event.status for event in events if isinstance(event, NodeResult)}
    assert results == {i: status for i, status in of_dbt.items() if i != "model.shop.hidden"}
    named = [
        "enabled by the vars of this run: model.shop.hidden (success); "
        "dbt ran them, but the compiled graph does not have them"
    ]
    assert _warnings(events) == (named if "model.shop.hidden" in of_dbt else [])


@pytest.mark.parametrize("extra", ["no_such_column", "id"])
def test_a_retry_builds_what_the_vars_enable_once_more(
    tmp_path: Path, plain_site: Path, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.syspath_prepend(str(plain_site))
    flaky = "select 1 as id{{ ', nope' if var('floe_attempt', 1) == 1 }}"
    hidden = (
        f"{{{{ config(enabled=var('extra', false)) }}}} select {extra} from {{{{ ref('first') }}}}"
    )
    files = {**FILES, "models/flaky.sql": flaky, "models/hidden.sql": hidden}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    shop = compile_product(tmp_path)
    parameters = RunParameters(vars={"extra": True})
    ends = [
        [*build(shop, BuildRequest("shop", "r", attempt=number, parameters=parameters))][-1]
        for number in (1, 2)
    ]
    assert [end.succeeded for end in ends] == [False, extra == "id"]


def test_a_job_builds_what_its_selection_takes(
    tmp_path: Path, plain_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(plain_site))
    floe = (
        FILES["floe.yaml"] + "jobs: [{name: part, select: first+}, {name: names, select: names}]\n"
    )
    for path, text in {**FILES, "floe.yaml": floe}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    shop = compile_product(tmp_path)
    parameters = RunParameters(vars={"extra": True})
    for job, enabled in (("part", 1), ("names", 0)):
        events = [*build(shop, BuildRequest(job, job, parameters=parameters))]
        assert events[-1] == BuildEnded(succeeded=True)
        assert len(_warnings(events)) == enabled


def test_environment_variables_may_disable_nodes_too(
    tmp_path: Path, plain_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(plain_site))
    monkeypatch.setenv("OPTIONAL", "yes")
    model = "{{ config(enabled=env_var('OPTIONAL') == 'yes') }} select 1 as id"
    files = {**FILES, "models/fourth.sql": model}
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    shop = compile_product(tmp_path)
    monkeypatch.setenv("OPTIONAL", "no")
    events = [*build(shop, BuildRequest("shop", "r"))]
    assert events[-1] == BuildEnded(succeeded=True)
    why = "disabled by the environment variables of this run"
    assert NodeResult("model.shop.fourth", "skipped", message=why, is_disabled=True) in events


def test_the_freshness_of_a_disabled_source_is_not_measured(
    tmp_path: Path, plain_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(plain_site))
    floe = FILES["floe.yaml"] + "execution: {freshness: gate}\n"
    for path, text in {**FILES, **OF_SOURCES, "floe.yaml": floe}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as warehouse:
        warehouse.execute("create table ours as select now() as loaded_at")
    shop = compile_product(tmp_path)
    parameters = RunParameters(select="loaded copied", vars={"optional": False})
    events = [*build(shop, BuildRequest("shop", "r", parameters=parameters))]
    results = [event for event in events if isinstance(event, NodeResult)]
    assert {each.unique_id: (each.status, each.is_disabled) for each in results} == {
        "freshness.shop.raw.ours": ("pass", False),
        "freshness.shop.raw.theirs": ("skipped", True),
        "model.shop.copied": ("skipped", True),
        "model.shop.loaded": ("success", False),
    }
    assert events[-1] == BuildEnded(succeeded=True)


def _warnings(events: list[object]) -> list[str]:
    return [
        event.text
        for event in events
        if isinstance(event, NodeLog) and event.level == "warn" and "of this run" in event.text
    ]


def _built_by_dbt(folder: Path, values: dict[str, object], select: str) -> dict[str, str]:
    flags = ["--select", *select.split()] if select else []
    given = ["--vars", json.dumps(values), "--target-path", "plain"]
    dbt("-q", "build", *given, *flags, cwd=folder)
    results = json.loads((folder / "plain" / "run_results.json").read_text())["results"]
    return {each["unique_id"]: each["status"] for each in results}
