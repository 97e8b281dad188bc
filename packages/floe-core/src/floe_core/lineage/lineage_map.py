"""The lineage of a whole compiled product: its tables, and the origins of their columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from floe_core.lineage.column_lineage import columns_of_schema
from floe_core.lineage.compiled_sql import CompiledSql
from floe_core.lineage.facets import Json
from floe_core.lineage.product_graph import ProductGraph
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import NodeGraph
from floe_core.schemas.nodes import Node
from floe_core.secrets.redactor import Redactor
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.columns.origins import Origins
from floe_core.sql.query_columns import DerivedColumns, derive


@dataclass(frozen=True, slots=True)
class ColumnOrigin:
    """A column of an upstream table; `steps` are OpenLineage's subtypes, lower case, sorted."""

    node_id: str
    column: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappedTable:
    """A table: the nodes it reads, its known columns and their origins, and inputs of its rows.

    `tests` are its data tests and unit tests.
    """

    node: Node
    reads: tuple[str, ...]
    columns: dict[str, tuple[ColumnOrigin, ...]]
    rows: tuple[ColumnOrigin, ...]
    tests: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageMap:
    """The tables, upstream first. `run_ids` are the runs whose SQL was read, the last one first."""

    tables: tuple[MappedTable, ...]
    run_ids: tuple[str, ...] = ()


def lineage_map(artifacts: CompiledArtifacts) -> LineageMap:
    """Return the lineage of a product that was loaded from its folder.

    The lineage of its columns is read from the SQL of the last run that compiled each model.
    """
    compiled = CompiledSql(artifacts.folder)
    known: dict[str, KnownTable] = {}
    graph = ProductGraph(artifacts, Redactor())
    tables = [
        _map_table(node, graph, compiled.of(node), artifacts.dbt.adapter, known)
        for node in _upstream_first(artifacts)
    ]
    tables = [replace(each, tests=_tests_of(each.node, artifacts)) for each in tables]
    return LineageMap(tuple(tables), compiled.run_ids)


def _map_table(
    node: Node,
    graph: ProductGraph,
    sql: str | None,
    adapter: str,
    known: dict[str, KnownTable],
) -> MappedTable:
    inputs = graph.inputs(node)
    names = {dataset["name"]: node_id for node_id, dataset in inputs}
    sql = sql or graph.query_of_snapshot(node)
    derived = derive(sql, adapter, [known[each] for each in names.values()]) if sql else None
    columns = _known_table(graph.dataset(node), node, derived or DerivedColumns())
    if graph.knows_all_columns(node):
        columns = replace(columns, is_complete=True)
    known[node.unique_id] = columns
    origins = dict(derived.columns) if derived else {}
    return MappedTable(
        node,
        tuple(names.values()),
        {name: _origins(origins.get(name, {}), names) for name in known[node.unique_id].columns},
        _origins(derived.effects if derived else {}, names),
    )


def _tests_of(node: Node, artifacts: CompiledArtifacts) -> tuple[Node, ...]:
    return tuple(
        each
        for each in artifacts.nodes
        if each.is_test and (each.tested or next(iter(each.depends_on), "")) == node.unique_id
    )


def _known_table(dataset: Json, node: Node, derived: DerivedColumns) -> KnownTable:
    is_complete = derived.is_complete and node.resource_type != "snapshot"
    names = [name for name, _ in derived.columns]
    names += [] if is_complete else columns_of_schema(dataset)
    return KnownTable(dataset["name"], tuple(dict.fromkeys(names)), is_complete=is_complete)


def _origins(origins: Origins, names: Mapping[str, str]) -> tuple[ColumnOrigin, ...]:
    return tuple(
        ColumnOrigin(
            names[origin.table],
            origin.column,
            tuple(sorted(step.lower().replace("_", " ") for _, step in origins[origin])),
        )
        for origin in sorted(origins)
    )


def _upstream_first(artifacts: CompiledArtifacts) -> list[Node]:
    """Return sources and relations, each after those that it reads."""
    tables = [n for n in artifacts.nodes if n.is_relation or n.resource_type == "source"]
    return [artifacts.by_id[node_id] for node_id in NodeGraph(tables).in_order()]
