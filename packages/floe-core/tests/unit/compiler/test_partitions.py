"""`partitions` of floe.yaml: what becomes of them, and what is refused, at its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from plain_shop import FLOE
from warm_floe import dbt

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.foundation.stages import stages_shown_by
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions

WriteProduct = Callable[..., Path]
RAW = "{{ config(materialized='table', event_time='at') }} select now() as at"
BY_VARS = (
    "{{ config(materialized='incremental', unique_key='at') }} "
    "select * from {{ ref('raw') }} where at >= '{{ var(\"min_date\") }}'"
)
BATCHES = (
    "{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='at', "
    "batch_size='day', begin='2026-11-01') }} select * from {{ ref('raw') }}"
)
OF_PARTITIONS = "partitions: {by: day, start: 2026-11-01, select: %s, vars: {min_date: start}}\n"


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidProductError) as refused:
        compile_product(folder)
    return str(refused.value)


def notices(folder: Path) -> list[str]:
    told: list[str] = []
    compile_product(folder, on_notice=told.append)
    return [each for each in told if each.startswith("partitions:")]


def test_the_artifacts_keep_the_declaration_and_the_selected_nodes(
    write_product: WriteProduct,
) -> None:
    folder = write_product(
        floe=FLOE
        + "partitions:\n  by: day\n  start: 2026-11-01\n  select: daily batches\n"
        + "  builds: current\n  lookback: 2\n  vars: {min_date: start}\n",
        raw=RAW,
        daily=BY_VARS,
        batches=BATCHES,
        report="select * from {{ ref('daily') }}",
    )
    (folder / "models" / "tests.yml").write_text(
        "models:\n"
        "  - {name: daily, columns: [{name: at, data_tests: [not_null,"
        " {relationships: {arguments: {to: ref('raw'), field: at}}}]}]}\n"
        "  - {name: report, columns: [{name: at, data_tests: [not_null,"
        " {relationships: {arguments: {to: ref('daily'), field: at}}}]}]}\n"
    )
    artifacts = compile_product(folder)
    partitions = artifacts.partitions
    assert partitions is not None
    tests = [i for i in partitions.node_ids if i.startswith("test.")]
    # A test that reads a later node as well runs after the partitions.
    assert sorted(each.split(".")[2] for each in tests) == [
        "not_null_daily_at",
        "relationships_daily_at__at__ref_raw_",
    ]
    assert partitions == Partitions(
        by="day",
        start="2026-11-01",
        timezone="UTC",
        builds="current",
        lookback=2,
        vars={"min_date": "start"},
        node_ids=tuple(sorted(["model.shop.batches", "model.shop.daily", *tests])),
        microbatch=("model.shop.batches",),
    )
    assert CompiledArtifacts.load(folder).partitions == partitions


def test_a_product_without_partitions_has_none(write_product: WriteProduct) -> None:
    assert compile_product(write_product(floe=FLOE)).partitions is None


@pytest.mark.parametrize(
    ("declaration", "expected"),
    [
        (
            "{by: fortnight, start: 2026-11-01, select: daily}",
            "floe.yaml:5:18: partitions.by: 'fortnight' is not one of 'hour', 'day', 'week' or "
            "'month'",
        ),
        (
            "{by: day, start: 2026-02-30, select: daily}",
            "floe.yaml:5:30: partitions.start: there is no day 2026-02-30",
        ),
        (
            "{by: day, start: 1. Nov, select: daily}",
            "floe.yaml:5:30: partitions.start: '1. Nov' is not a day",
        ),
        (
            "{by: week, start: 2026-11-03, select: daily}",
            "floe.yaml:5:31: partitions.start: 2026-11-03 is a Tuesday, and a week begins on "
            "Monday: 2026-11-02 or 2026-11-09",
        ),
        (
            "{by: day, start: 2199-01-01, select: daily}",
            "floe.yaml:5:30: partitions.start: the first partition, 2199-01-01, is in the future",
        ),
        (
            "{by: month, start: 2026-11-02, select: daily}",
            "floe.yaml:5:32: partitions.start: 2026-11-02 is not the first day of a month",
        ),
        (
            "{by: day, start: 2026-11-01, timezone: Europe/Berln, select: daily}",
            "floe.yaml:5:52: partitions.timezone: no time zone named 'Europe/Berln'; did you mean "
            "Europe/Berlin",
        ),
        (
            "{by: day, start: 2026-11-01, select: dayly}",
            "floe.yaml:5:50: partitions.select: selects no node of the product",
        ),
        (
            "{by: day, start: 2026-11-01, select: daily, vars: {d: date}}",
            "floe.yaml:5:67: partitions.vars.d: 'date' is not one of 'start', 'end'",
        ),
    ],
)
def test_a_wrong_declaration_is_told_at_its_place(
    write_product: WriteProduct, declaration: str, expected: str
) -> None:
    folder = write_product(floe=f"{FLOE}partitions: {declaration}\n", raw=RAW, daily=BY_VARS)
    found = refusal(folder)
    assert expected in found
    assert found.count("floe.yaml:") == 1


def test_a_backfill_by_something_else_is_refused(write_product: WriteProduct) -> None:
    found = refusal(write_product(floe=FLOE + "execution: {backfillBy: 0}\n"))
    assert "execution.backfillBy: 0 is no way to backfill" in found
    assert "fix: write tick, range, or a number of partitions from 1 to 10000" in found


def test_a_day_of_another_zone_is_no_batch_of_dbt(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE
        + "partitions: {by: day, start: 2026-11-01, timezone: Europe/Berlin, select: batches}\n",
        raw=RAW,
        batches=BATCHES,
    )
    assert refusal(folder).startswith(
        "floe.yaml:5:52: partitions.timezone: Europe/Berlin with the microbatch model batches: "
        "dbt's batches are periods of UTC"
    )


def test_a_batch_longer_than_a_partition_is_refused_and_a_finer_one_is_not(
    write_product: WriteProduct,
) -> None:
    hourly = "partitions: {by: hour, start: 2026-11-01, select: batches}\n"
    folder = write_product(floe=FLOE + hourly, raw=RAW, batches=BATCHES)
    assert refusal(folder) == (
        "models/batches.sql: batch_size of batches: a day is longer than a partition of one hour: "
        "each would build its whole day from the rows of one hour\n"
        "fix: write batch_size='hour', or partition by day"
    )
    weekly = hourly.replace("hour", "week").replace("11-01", "11-02")
    (folder / "floe.yaml").write_text(FLOE + weekly)
    assert compile_product(folder).partitions is not None


def test_a_microbatch_model_without_event_time_is_refused_by_dbt(
    write_product: WriteProduct,
) -> None:
    folder = write_product(
        floe=FLOE + OF_PARTITIONS % "batches",
        raw=RAW,
        batches=BATCHES.replace("event_time='at', ", ""),
    )
    assert "event_time" in refusal(folder)


def test_a_node_between_partitioned_ones_is_refused_with_both(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE + OF_PARTITIONS % "daily last",
        raw=RAW,
        daily=BY_VARS,
        middle="select * from {{ ref('daily') }}",
        last=BY_VARS.replace("raw", "middle"),
    )
    assert refusal(folder).splitlines()[0] == (
        "floe.yaml:5:50: partitions.select: model.shop.middle is between model.shop.daily and "
        "model.shop.last, which are built for each partition, and it is not"
    )


def test_a_job_that_builds_from_scratch_has_no_partitioned_nodes(
    write_product: WriteProduct,
) -> None:
    jobs = "jobs:\n  - {name: weekly, select: daily, fullRefresh: true}\n"
    jobs += "  - {name: others, select: raw, fullRefresh: true}\n"
    folder = write_product(floe=FLOE + jobs + OF_PARTITIONS % "daily", raw=RAW, daily=BY_VARS)
    found = refusal(folder)
    assert found.startswith("floe.yaml:6:48: job 'weekly': fullRefresh builds tables from scratch")
    assert "others" not in found


FIRST, LATER = "2026-11-01", "2056-11-23"
CHANGES = "change dbt's graph, which all partitions share"
AFTER = "{% if var('min_date', '') >= '2030' %}"


@pytest.mark.long
@pytest.mark.parametrize(
    ("sql", "key"),
    [
        (BY_VARS + AFTER + " union all select * from {{ ref('other') }}{% endif %}", LATER),
        (BY_VARS.replace("ref('raw')", "ref('raw' if var('min_date', '') else 'other')"), FIRST),
        ("{{ config(enabled=var('min_date', '') < '2030') }} " + BY_VARS, LATER),
        (BY_VARS + "{{ more() }}", LATER),
    ],
)
def test_vars_that_change_the_graph_are_refused(
    write_product: WriteProduct, sql: str, key: str
) -> None:
    """Plain dbt, which parses for each call, has another graph for these partitions."""
    more = f"{{% macro more() %}}{AFTER}{{{{ ref('other') }}}}{{% endif %}}{{% endmacro %}}"
    floe = FLOE + OF_PARTITIONS % "daily"
    folder = write_product(floe=floe, raw=RAW, other=RAW, daily=sql)
    (folder / "macros").mkdir(exist_ok=True)
    (folder / "macros" / "more.sql").write_text(more)
    assert refusal(folder).startswith(
        f"floe.yaml:5:63: partitions.vars: those of {key} {CHANGES}: model.shop.daily\n"
    )
    graphs = {vars_: parents_in_dbt(folder, vars_) for vars_ in ("", FIRST, LATER)}
    assert len({*graphs.values()}) == 2


def parents_in_dbt(folder: Path, min_date: str) -> tuple[str, ...]:
    """Return the parents of `daily` when plain dbt parses with this value, () if it is disabled."""
    given = json.dumps({"min_date": min_date} if min_date else {})
    profile = "shop: {target: dev, outputs: {dev: {type: duckdb}}}\n"
    (folder / "profiles.yml").write_text(profile)
    dbt("parse", "--profiles-dir", ".", "--vars", given, "--target-path", "plain", cwd=folder)
    manifest = json.loads((folder / "plain" / "manifest.json").read_text())
    node = manifest["nodes"].get("model.shop.daily")
    return tuple(node["depends_on"]["nodes"]) if node else ()


class Stages:
    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin(self, stage: str) -> None:
        self.begun.append(stage)

    def end(self) -> None: ...


def stages_of_compile(folder: Path) -> list[str]:
    stages = Stages()
    with stages_shown_by(stages):
        compile_product(folder)
    return stages.begun


def test_vars_that_choose_rows_are_not_refused(write_product: WriteProduct) -> None:
    """Also in a statement; dbt parses the project again to see that the graph is the same."""
    hints = "\n-- depends_on: {{ ref('raw') }}\n"
    conditional = f"{hints}{AFTER} and at > '2020'{{% endif %}}"
    folder = write_product(
        floe=FLOE + OF_PARTITIONS % "daily", raw=RAW, daily=BY_VARS + conditional
    )
    stages = stages_of_compile(folder)
    assert [each for each in stages if "partition" in each] == [
        "dbt selects the nodes of the partitions",
        "checking that partition 2026-11-01 has the same graph",
        "checking that partition 2056-11-23 has the same graph",
    ]
    (folder / "models" / "daily.sql").write_text(BY_VARS)
    stages = stages_of_compile(folder)
    assert [each for each in stages if "same graph" in each] == []


def test_a_model_that_does_not_know_its_partition_is_noticed(write_product: WriteProduct) -> None:
    folder = write_product(floe=FLOE + OF_PARTITIONS % "raw daily", raw=RAW, daily=BY_VARS)
    assert notices(folder) == [
        "partitions: model.shop.raw uses none of the vars min_date and is no microbatch model, so "
        "it is built whole for each partition"
    ]


def test_a_var_in_a_macro_is_a_use_of_it(write_product: WriteProduct) -> None:
    folder = write_product(
        floe=FLOE + OF_PARTITIONS % "daily",
        raw=RAW,
        daily="{{ config(materialized='incremental', unique_key='at') }} "
        "select * from {{ ref('raw') }} where {{ of_period() }}",
    )
    (folder / "macros").mkdir(exist_ok=True)
    (folder / "macros" / "of_period.sql").write_text(
        "{% macro of_period() %}at >= '{{ lower_bound() }}'{% endmacro %}\n"
        "{% macro lower_bound() %}{{ var('min_date') }}{% endmacro %}\n"
    )
    assert notices(folder) == []


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ("", "no strategy and no unique_key"),
        (", pre_hook='analyze'", "no strategy and no unique_key"),
        (", incremental_strategy='append'", "the strategy append"),
        (", incremental_strategy='append', unique_key='at'", "the strategy append"),
        (", pre_hook='delete from {{ this }} where {{ var(\"min_date\") }} <= at'", ""),
    ],
)
def test_a_model_that_appends_is_noticed_with_its_strategy(
    write_product: WriteProduct, config: str, named: str
) -> None:
    folder = write_product(
        floe=FLOE + OF_PARTITIONS % "daily",
        raw=RAW,
        daily=BY_VARS.replace(", unique_key='at'", config),
    )
    text = "building a partition again appends its rows a second time"
    told = [f"partitions: model.shop.daily has {named}: {text}"] if named else []
    assert notices(folder) == told


@pytest.mark.parametrize("kind", ["table", "view"])
def test_a_relation_that_keeps_the_last_partition_alone_is_noticed(
    write_product: WriteProduct, kind: str
) -> None:
    daily = BY_VARS.replace("incremental', unique_key='at'", f"{kind}'")
    folder = write_product(floe=FLOE + OF_PARTITIONS % "daily", raw=RAW, daily=daily)
    assert notices(folder) == [
        f"partitions: model.shop.daily is a {kind}, so building a partition removes those built "
        "before; make it incremental to keep them"
    ]
