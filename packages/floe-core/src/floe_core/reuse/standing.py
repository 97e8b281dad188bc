"""What stands in the warehouse: hashes of relations, versions of sources, steady functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from floe_core.errors import EnvironmentProblemError
from floe_core.reuse.parts import digest
from floe_core.reuse.row_versions import version_by_row_marks
from floe_core.reuse.state import Standing, Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.warehouse.connection import Warehouse, open_warehouse
from floe_core.warehouse.dialect import literal
from floe_core.warehouse.table_contents import hashes_of_rows, relation_of

# Whole definitions: of a table its columns with their constraints, of a view its query. `{only}` is
# for a condition on one relation.
_DEFINITIONS = {
    "duckdb": (
        "select schema_name, table_name, 'table', sql from duckdb_tables() "
        "where database_name = current_database(){only} union all "
        "select schema_name, view_name, 'view', sql from duckdb_views() "
        "where database_name = current_database() and not internal{only_view}"
    ),
    "postgres": (
        "select n.nspname, c.relname, case when c.relkind = 'v' then 'view' else 'table' end, "
        "case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) else '' end "
        "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not like 'pg\\_%' "
        "and n.nspname <> 'information_schema'{only}"
    ),
}
# Of tables, in their order, with their whole types.
_COLUMNS = {
    "duckdb": (
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where database_name = current_database(){only} order by 1, 2, column_index"
    ),
    "postgres": (
        "select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) "
        "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
        "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('r', 'p', 'm') and n.nspname not like 'pg\\_%' "
        "and n.nspname <> 'information_schema' "
        "and a.attnum > 0 and not a.attisdropped{only} order by 1, 2, a.attnum"
    ),
}
_NAMES = {"duckdb": ("schema_name", "table_name"), "postgres": ("n.nspname", "c.relname")}
# To hash a small table, DuckDB takes longer to optimize the query, in vain, than to run it.
_QUICK = {"duckdb": ("pragma disable_optimizer", "pragma enable_optimizer")}
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

    `newest` is source id -> the highest value of its `loaded_at_field`, as text. `problem` says why
    nothing is known, "" where the warehouse was read.
    """

    standing: Mapping[str, Standing] = field(default_factory=dict)
    sources: Mapping[str, Versions] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    steady_functions: frozenset[str] = frozenset()
    version: str = ""
    problem: str = ""


def read_warehouse(
    artifacts: CompiledArtifacts, node_ids: Iterable[str], words: Mapping[str, str]
) -> WarehouseFacts:
    """Return what is known of these nodes' relations and sources, each read where it is.

    `words` is source id -> the version that the step reported that wrote it.

    Raises:
        UsageError: The warehouse is of a kind whose tables can't be hashed.
        EnvironmentProblemError: It cannot be opened.
    """
    nodes = [artifacts.by_id[node_id] for node_id in node_ids]
    with open_warehouse(artifacts.dbt, artifacts.folder) as warehouse:
        reader = _Reader(warehouse, artifacts.dbt.adapter)
        standing = reader.standing([node for node in nodes if node.is_relation])
        sources = {
            n.unique_id: reader.source(n, words.get(n.unique_id, ""))
            for n in nodes
            if n.resource_type == "source"
        }
        return WarehouseFacts(
            standing,
            {node_id: each for node_id, each in sources.items() if each is not None},
            reader.newest,
            reader.steady_functions(),
            str(warehouse.rows("select version()")[0][0]),
        )


def read_standing(warehouse: Warehouse, adapter: str, node: Node) -> Standing | None:
    """Return what the relation of one node is, None where it is not there or can't be read.

    Raises:
        EnvironmentProblemError: The warehouse does not answer.
    """
    return _Reader(warehouse, adapter, node).standing([node]).get(node.unique_id)


class _Reader:
    """Reads relations; of the catalog no more than what it says of `only` that one."""

    def __init__(self, warehouse: Warehouse, adapter: str, only: Node | None = None) -> None:
        self._warehouse = warehouse
        self._adapter = adapter
        self.newest: dict[str, str] = {}
        self._database = str(warehouse.rows("select current_database()")[0][0])
        self._definitions = {
            (str(schema), str(name)): (str(kind), str(text))
            for schema, name, kind, text in warehouse.rows(
                _of_one(_DEFINITIONS[adapter], adapter, only)
            )
        }
        self._columns: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for schema, table, name, kind in warehouse.rows(_of_one(_COLUMNS[adapter], adapter, only)):
            place = (str(schema), str(table))
            self._columns.setdefault(place, []).append((str(name), str(kind)))

    def standing(self, nodes: Sequence[Node]) -> dict[str, Standing]:
        """Return node id -> what its relation is, for those that are there."""
        own = [node for node in nodes if node.database == self._database]
        views = {n.unique_id: self._view(n) for n in own if self._kind(n) == "view"}
        found = {node_id: each for node_id, each in views.items() if each is not None}
        tables = {n.unique_id: n for n in own if self._kind(n) == "table"}
        columns = {relation_of(n): self._columns.get(_place(n), []) for n in tables.values()}
        with self._small_queries():
            hashes = hashes_of_rows(self._warehouse, columns)
        for node_id, node in tables.items():
            if told := hashes.get(relation_of(node)):
                named = columns[relation_of(node)]
                evidence = digest(*self._definitions[_place(node)], named, told)
                found[node_id] = Standing(evidence, self._names(named), told[0])
        return found

    def _kind(self, node: Node) -> str:
        return self._definitions.get(_place(node), ("", ""))[0]

    def _view(self, node: Node) -> Standing | None:
        """Return what a view is made of, not its rows; nothing of a view of a file, say."""
        if node.materialization != "view":
            return None  # Its rows would have to be read.
        try:
            columns = self._warehouse.columns(relation_of(node))
        except EnvironmentProblemError:
            return None
        return Standing(digest(*self._definitions[_place(node)], columns), self._names(columns))

    @contextmanager
    def _small_queries(self) -> Iterator[None]:
        """Have the warehouse plan as little as it can, inside the block."""
        before, after = _QUICK.get(self._adapter, ("", ""))
        if before:
            self._warehouse.run(before)
        try:
            yield
        finally:
            if after:
                self._warehouse.run(after)

    def source(self, node: Node, word: str = "") -> Versions | None:
        """Return the version of a source, None where nothing says whether it is new.

        The word of the step that wrote it counts for more than what stands there.

        A port of another product goes by its rows: a failed run of its producer may have changed
        them and updated nothing.
        """
        if node.database not in ("", self._database):
            return None
        relation = relation_of(node)
        try:
            columns = self._warehouse.columns(relation)
            if not columns:
                return None
            version = word or self._version(node, columns)
        except EnvironmentProblemError:
            return None
        if not version:
            return None
        version = digest(version, columns)
        return Versions(version, dict.fromkeys(self._names(columns), version))

    def _version(self, node: Node, columns: list[tuple[str, str]]) -> str:
        """Return the version of a source's rows, "" where nothing tells it."""
        if node.reuse.by_content or node.port:
            return self._content(node, columns)
        if node.reuse.loaded_at:
            return self._loaded(node)
        if self._adapter == "postgres":
            return version_by_row_marks(self._warehouse, relation_of(node))
        return ""

    def _content(self, node: Node, columns: list[tuple[str, str]]) -> str:
        relation = relation_of(node)
        told = hashes_of_rows(self._warehouse, {relation: columns}).get(relation)
        if told is None:
            raise EnvironmentProblemError(f"{relation.schema}.{relation.name} cannot be read")
        return digest(told)

    def _loaded(self, node: Node) -> str:
        place = self._warehouse.dialect.place(relation_of(node))
        newest = f"cast(max({node.reuse.loaded_at}) as varchar)"
        found = self._warehouse.rows(f"select {newest}, count(*) from {place}")[0]
        self.newest[node.unique_id] = str(found[0] or "")
        return digest(found)

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


def _of_one(query: str, adapter: str, node: Node | None) -> str:
    """Return a query of the catalog, for one node's relation where there is a node."""
    if node is None:
        return query.format(only="", only_view="")
    schema, name = _NAMES[adapter]
    only = f" and {schema} = {literal(node.schema_name)} and {name} = {literal(node.identifier)}"
    return query.format(only=only, only_view=only.replace(name, "view_name"))


def _place(node: Node) -> tuple[str, str]:
    return node.schema_name, node.identifier
