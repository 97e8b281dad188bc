"""What stands in the warehouse: hashes of relations, versions of sources, steady functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from floe_core.errors import EnvironmentProblemError
from floe_core.reuse.parts import digest
from floe_core.reuse.state import Standing, Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import Warehouse, open_warehouse
from floe_core.warehouse.table_contents import contents, relation_of

# Whole definitions: of a table its columns with their constraints, of a view its query.
_DEFINITIONS = {
    "duckdb": (
        "select schema_name, table_name, 'table', sql from duckdb_tables() "
        "where database_name = current_database() union all "
        "select schema_name, view_name, 'view', sql from duckdb_views() "
        "where database_name = current_database() and not internal"
    ),
    "postgres": (
        "select n.nspname, c.relname, case when c.relkind = 'v' then 'view' else 'table' end, "
        "case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) else '' end "
        "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not like 'pg\\_%' "
        "and n.nspname <> 'information_schema'"
    ),
}
_FUNCTIONS = {
    "duckdb": (
        "select function_name, bool_and(internal and function_type in "
        "('scalar', 'aggregate', 'window', 'macro') and coalesce(stability, 'CONSISTENT') = "
        "'CONSISTENT'), string_agg(coalesce(macro_definition, ''), ' ') "
        "from duckdb_functions() group by 1"
    ),
    "postgres": (
        "select p.proname, bool_and(p.provolatile = 'i' and p.pronamespace = "
        "'pg_catalog'::regnamespace), '' from pg_catalog.pg_proc p group by 1"
    ),
}
# The warehouse calls these steady within a query only: for their arguments with a time zone.
_STEADY = frozenset(
    {
        *("century", "concat", "concat_ws", "date_part", "datepart", "datesub", "dayname"),
        *("decade", "era", "format", "isodow", "isoyear", "julian", "millennium", "monthname"),
        *("time_bucket", "to_char", "to_date", "weekday", "weekofyear", "yearweek"),
    }
)
_VARYING_MACRO = re.compile(r"now\(|current_|random|uuid|setting|session|user|nextval|today")


@dataclass(frozen=True, slots=True)
class WarehouseFacts:
    """Node id -> what stands, source id -> its version; functions that vary with nothing.

    `problem` says why nothing is known, "" where the warehouse was read.
    """

    standing: Mapping[str, Standing] = field(default_factory=dict)
    sources: Mapping[str, Versions] = field(default_factory=dict)
    steady_functions: frozenset[str] = frozenset()
    version: str = ""
    problem: str = ""


def read_warehouse(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> WarehouseFacts:
    """Return what is known of these nodes' relations and sources, each read where it is.

    Raises:
        UsageError: The warehouse is of a kind whose tables can't be hashed.
        EnvironmentProblemError: It cannot be opened.
    """
    nodes = [artifacts.by_id[node_id] for node_id in node_ids]
    with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
        reader = _Reader(warehouse, artifacts.dbt.adapter)
        standing = {n.unique_id: reader.standing(n) for n in nodes if n.is_relation}
        sources = {n.unique_id: reader.source(n) for n in nodes if n.resource_type == "source"}
        return WarehouseFacts(
            {node_id: each for node_id, each in standing.items() if each is not None},
            {node_id: each for node_id, each in sources.items() if each is not None},
            reader.steady_functions(),
            str(warehouse.rows("select version()")[0][0]),
        )


class _Reader:
    def __init__(self, warehouse: Warehouse, adapter: str) -> None:
        self._warehouse = warehouse
        self._adapter = adapter
        self._database = str(warehouse.rows("select current_database()")[0][0])
        self._definitions = {
            (str(schema), str(name)): (str(kind), str(text))
            for schema, name, kind, text in warehouse.rows(_DEFINITIONS[adapter])
        }

    def standing(self, node: Node) -> Standing | None:
        """Return what a node's relation is; of a view, what it is made of and not its rows."""
        found = self._definitions.get((node.schema_name, node.identifier))
        if found is None or node.database != self._database:
            return None
        kind, text = found
        if kind == "view" and node.materialization != "view":
            return None  # of a file, say, whose rows would have to be read
        relation = relation_of(node)
        try:
            if kind == "view":
                columns = self._warehouse.columns(relation)
                return Standing(digest(kind, text, columns), self._names(columns))
            held = contents(self._warehouse, relation)
        except EnvironmentProblemError:
            return None
        named = [(name, kind) for name, kind, _ in held.columns]
        evidence = digest(kind, text, held.rows, held.columns, held.row_hash)
        return Standing(evidence, self._names(named))

    def source(self, node: Node) -> Versions | None:
        """Return the version of a source, None where nothing says whether it is new.

        A port of another product goes by its rows: a failed run of its producer may have changed
        them and updated nothing.
        """
        if node.database not in ("", self._database):
            return None
        by_content = node.reuse.by_content or bool(node.port)
        if not (by_content or node.reuse.loaded_at):
            return None
        relation = relation_of(node)
        try:
            columns = self._warehouse.columns(relation)
            if not columns:
                return None
            version = self._content(node) if by_content else self._loaded(node)
        except EnvironmentProblemError:
            return None
        version = digest(version, columns)
        return Versions(version, dict.fromkeys(self._names(columns), version))

    def _content(self, node: Node) -> str:
        held = contents(self._warehouse, relation_of(node))
        return digest(held.rows, held.columns, held.row_hash)

    def _loaded(self, node: Node) -> str:
        place = self._warehouse.dialect.place(relation_of(node))
        newest = f"cast(max({node.reuse.loaded_at}) as varchar)"
        return digest(self._warehouse.rows(f"select {newest}, count(*) from {place}")[0])

    def steady_functions(self) -> frozenset[str]:
        """Return the functions whose value depends on their arguments alone."""
        found = {
            str(name).lower()
            for name, is_steady, macro in self._warehouse.rows(_FUNCTIONS[self._adapter])
            if is_steady and not _VARYING_MACRO.search(str(macro).lower())
        }
        return frozenset(found | _STEADY)

    def _names(self, columns: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        folds = self._adapter == "duckdb"
        return tuple(name.lower() if folds else name for name, _ in columns)
