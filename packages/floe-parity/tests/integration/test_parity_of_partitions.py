"""A product with partitions beside plain dbt, which builds each with a call of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floe_core.partitions.chosen import partitions_of_run
from floe_parity.comparison import Comparison, compare
from floe_parity.sides.side import Side, compile_side, run_side

FILES = {
    "manifest.yaml": """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0, owner: platform@example.com}
plugins:
  orchestrator: {type: dagster}
  compute: {type: duckdb, config: {path: "{product_slug}.duckdb", threads: 1}}
""",
    "floe.yaml": """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: days, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
partitions:
  {by: day, start: 2026-11-01, select: daily wide batches, vars: {day: start_date, to: end_date}}
""",
    "dbt_project.yml": "name: days\nversion: 1.0.0\nprofile: days\n",
    "models/raw.sql": (
        "{{ config(materialized='table', event_time='happened') }} select i as id, "
        "timestamp '2026-11-01' + to_hours(cast(i * 5 as int)) as happened from range(40) t(i)"
    ),
    "models/daily.sql": (
        "{{ config(materialized='incremental', unique_key='day') }} "
        "select cast(happened as date) as day, count(*) as n from {{ ref('raw') }} "
        "where happened >= '{{ var('day') }}' and happened < '{{ var('to') }}' group by 1"
    ),
    "models/batches.sql": (
        "{{ config(materialized='incremental', incremental_strategy='microbatch', "
        "event_time='happened', batch_size='day', begin='2026-11-01') }} "
        "select id, happened from {{ ref('raw') }}"
    ),
    "models/wide.sql": (
        "{{ config(materialized='incremental', unique_key='day') }} "
        "select day, n, (select count(*) from {{ ref('batches') }}) as so_far "
        "from {{ ref('daily') }} where day = '{{ var('day') }}'"
    ),
    "models/total.sql": "{{ config(materialized='table') }} select sum(n) as n from {{ ref('wide') }}",
    "models/tests.yml": "models: [{name: daily, columns: [{name: day, data_tests: [unique]}]}]\n",
}
FAILS = "{% if var('day') == '2026-11-03' %}select no_such_column{% else %}"


def compared(folder: Path, named: str, changes: dict[str, str]) -> Comparison:
    for name, text in {**FILES, **changes}.items():
        path = folder / "days" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def side(name: str) -> Side:
        compiled = compile_side(folder / "days", name, folder / name)
        declaration = compiled.artifacts.partitions
        assert declaration is not None
        now = datetime(2026, 11, 20, tzinfo=UTC)
        partitions = partitions_of_run(declaration, named, now=now)
        return run_side(replace(compiled, partitions=partitions), lambda event: None)

    return compare(side("dbt"), side("dagster"))


def told(comparison: Comparison) -> list[str]:
    of_nodes = (f"{n.node_id}: {text}" for n in comparison.nodes for text in n.differences)
    return [*comparison.differences, *of_nodes]


def statuses(comparison: Comparison, name: str) -> list[dict[str, str]]:
    [node] = [each for each in comparison.nodes if each.node_id.endswith(f".{name}")]
    return [dict(each.partitions) for each in node.results if each]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compared(tmp_path_factory.mktemp("sound"), "2026-11-02...2026-11-04", {})


def test_partitions_come_to_the_same_as_with_plain_dbt(sound: Comparison) -> None:
    found = sound
    assert told(found) == []
    assert found.has_succeeded
    expected = dict.fromkeys(("2026-11-02", "2026-11-03", "2026-11-04"), "success")
    assert statuses(found, "wide") == [expected, expected]


def test_a_failed_partition_comes_to_the_same(tmp_path: Path) -> None:
    config, _, sql = FILES["models/daily.sql"].partition("}} ")
    broken = f"{config}}}}} {FAILS}{sql}{{% endif %}}"
    found = compared(tmp_path, "2026-11-02...2026-11-04", {"models/daily.sql": broken})
    assert told(found) == []
    assert [side.report.status for side in found.sides] == ["failed", "failed"]
    around = {"2026-11-02": "success", "2026-11-04": "success"}
    assert statuses(found, "daily") == [{**around, "2026-11-03": "error"}] * 2
    assert statuses(found, "wide") == [{**around, "2026-11-03": "skipped"}] * 2
    [total] = [each for each in found.nodes if each.node_id.endswith(".total")]
    assert [each.status for each in total.results if each] == ["skipped", "skipped"]


def test_nobody_else_learns_of_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared, published = tmp_path / "shared", tmp_path / "published"
    for name in ("FLOE_LEDGER", "FLOE_PARTITION_STORE", "FLOE_REUSE_STORE"):
        monkeypatch.setenv(name, str(shared))
    floe = FILES["floe.yaml"] + (
        f"execution: {{reuse: unchanged}}\nartifacts: {{to: '{published}'}}\n"
        "outputPorts: [{name: total}]\n"
    )
    found = compared(tmp_path, "2026-11-02", {"floe.yaml": floe})
    assert told(found) == []
    assert found.has_succeeded
    assert not shared.exists()
    assert not published.exists()


def test_a_partition_that_one_side_lacks_is_a_difference(sound: Comparison) -> None:
    plain, dagster = sound.sides
    node = dagster.report.nodes["model.days.daily"]
    nodes = {**dagster.report.nodes, node.unique_id: replace(node, partitions=node.partitions[:2])}
    changed = replace(dagster, report=replace(dagster.report, nodes=nodes))
    assert told(compare(plain, changed)) == [
        "model.days.daily: partition 2026-11-04: success on dbt, absent on dagster"
    ]
