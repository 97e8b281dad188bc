"""How Dagster maps the partitions of an asset to those of what it reads."""

from __future__ import annotations

from dagster import AssetKey, Definitions
from monthly_report import Platform

from floe_orchestrator_dagster.loader import load_product_definitions

DAYS = """\
partitions: {by: day, start: 2026-11-01, select: daily wide, vars: {day: start_date}}
"""
WHERE = "where '{{ var(\"day\", \"\") }}' <> ''"
FILES = {
    "models/raw.sql": "select 1 as id",
    "models/daily.sql": f"select id from {{{{ ref('raw') }}}} {WHERE}",
    "models/wide.sql": f"select id from {{{{ ref('daily') }}}} {WHERE}",
    "models/total.sql": "select count(*) as n from {{ ref('wide') }}",
}


def behind(definitions: Definitions, key: str, of: str, partition: str) -> list[str]:
    """Return the partitions of an asset that one of another reads."""
    graph = definitions.resolve_asset_graph()
    child, parent = AssetKey([key]), AssetKey([of])
    mapping = graph.get_partition_mapping(child, parent)
    mapped = mapping.get_upstream_mapped_partitions_result_for_partitions(
        graph.get(child).partitions_def.subset_with_partition_keys([partition]),
        graph.get(child).partitions_def,
        graph.get(parent).partitions_def,
    )
    return sorted(mapped.partitions_subset.get_partition_keys())


def test_a_day_reads_the_same_day_and_what_is_not_partitioned_reads_all(compiled) -> None:
    artifacts = compiled(FILES, DAYS)
    definitions = load_product_definitions("web-shop", artifacts.project_dir)
    assert behind(definitions, "wide", "daily", "2026-11-05") == ["2026-11-05"]
    graph = definitions.resolve_asset_graph()
    mapping = graph.get_partition_mapping(AssetKey(["total"]), AssetKey(["wide"]))
    assert type(mapping).__name__ == "AllPartitionMapping"


def test_a_month_reads_the_days_of_another_products_port(tmp_path) -> None:
    platform = Platform(tmp_path / "platform", "dagster")
    folders = {name: platform.compile(name).project_dir for name in ("sales", "report")}
    both = Definitions.merge(*(load_product_definitions(name, folders[name]) for name in folders))
    days = behind(both, "monthly", "daily", "2026-02")
    assert days == [f"2026-02-{day:02}" for day in range(1, 29)]
