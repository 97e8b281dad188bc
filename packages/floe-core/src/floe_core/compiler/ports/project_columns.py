"""Find the columns of a dbt project's relations, and which its nodes need, before any build.

They come from contracts, seeds, and SQL that can be rendered without dbt; anything uncertain counts
as unknown. Columns are named as a query would write them (`Names.written`): in lower case, or in
quotes where the warehouse would take them for another column without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from floe_core.compiler.code.node_text import Entry, UnreadableSqlError, render
from floe_core.lineage.product_graph import seed_columns
from floe_core.sql.columns.known_tables import KnownTable, write_table
from floe_core.sql.columns.needs import Needed
from floe_core.sql.columns.sources import NotUnderstoodError
from floe_core.sql.names import names_of, unquote
from floe_core.sql.query_columns import ReadQuery, read_query

Columns = tuple[str, ...]

_SOURCES_OF_SQL = ("model", "snapshot", "test")
_WORD = re.compile(r"[A-Za-z_]\w*")


class ProjectColumns:
    """Reads a dbt manifest. `known` is node id -> columns, of nodes that other products build."""

    def __init__(
        self,
        manifest: Mapping[str, Any],
        product_dir: Path,
        known: Mapping[str, Columns],
        own_vars: Mapping[str, Any],
        *,
        packages_path: str = "dbt_packages",
    ) -> None:
        self._manifest = manifest
        self._entries: dict[str, Entry] = {**manifest["nodes"], **manifest["sources"]}
        self._folder = product_dir
        self._packages = product_dir / packages_path
        self._project = str(manifest["metadata"].get("project_name") or "")
        self._dialect = str(manifest["metadata"].get("adapter_type") or "")
        self._names = names_of(self._dialect)
        self._vars = own_vars
        self._columns: dict[str, Columns | None] = dict(known)
        self._queries: dict[str, ReadQuery | None] = {}

    def columns(self, node_id: str) -> Columns | None:
        """Return all columns of a relation in order; None if they are not known."""
        if node_id not in self._columns:
            # dbt has refused cycles before; a node that cannot be read keeps this value.
            self._columns[node_id] = None
            self._columns[node_id] = self._read_columns(self._entries[node_id])
        return self._columns[node_id]

    def needed_columns(self, upstream: str) -> set[str] | None:
        """Return the columns of a relation that other nodes need; None if any may be needed.

        A name that may belong to another table is included if the relation may have it.
        """
        needed = self.needed(upstream)
        if needed.is_any:
            return None
        known = self.columns(upstream)
        return set(needed.columns) | (
            needed.perhaps & set(needed.perhaps if known is None else known)
        )

    def needed(self, upstream: str) -> Needed:
        """Return what other nodes need of a relation."""
        return self._needs.get(upstream, Needed())

    def passed_columns(self, upstream: str, offered: Iterable[str]) -> set[str]:
        """Return the columns of a relation that only a `*` passes on to these nodes."""
        passed = self._find_needs(offered).get(upstream, Needed())
        read = self.needed(upstream)
        return set((passed.columns | passed.perhaps) - read.columns - read.perhaps)

    def unresolved_columns(self, node_id: str) -> set[str]:
        """Return the names in a node's SQL that none of its tables has."""
        query = self._query(node_id)
        return {self._names.written(each) for each in query.unresolved} if query else set()

    def written(self, name: str, *, is_quoted: bool = False) -> str:
        """Return a column as a query would write it, given its name in dbt's files."""
        return self._names.written(self._names.read(name, is_quoted=is_quoted))

    def readers(self, upstream: str) -> list[str]:
        """Return the ids of the nodes that read a relation, sorted."""
        return self._readers.get(upstream, [])

    @cached_property
    def _readers(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node_id, entry in sorted(self._entries.items()):
            for parent in set(_parents(entry)):
                found.setdefault(parent, []).append(node_id)
        return found

    def _read_columns(self, entry: Entry) -> Columns | None:
        if contract := contract_columns(entry):
            return tuple(self._written_in(column) for column in contract)
        if entry["resource_type"] == "seed":
            package = entry["package_name"]
            is_own = package == self._project
            folder = self._folder if is_own else self._packages / package
            header = seed_columns(folder / entry["original_file_path"])
            is_quoted = (entry.get("config") or {}).get("quote_columns")
            is_quoted = self._names.quotes_relations if is_quoted is None else bool(is_quoted)
            return tuple(self.written(name, is_quoted=is_quoted) for name in header) or None
        if entry["resource_type"] != "model":
            return None
        query = self._query(entry["unique_id"])
        found = query.columns if query else None
        return None if found is None else tuple(map(self._names.written, found))

    def _written_in(self, column: Mapping[str, Any]) -> str:
        return self.written(column["name"], is_quoted=bool(column.get("quote")))

    def _query(self, node_id: str) -> ReadQuery | None:
        if node_id not in self._queries:
            self._queries[node_id] = None
            with suppress(UnreadableSqlError, NotUnderstoodError):
                self._queries[node_id] = self._read_query(self._entries[node_id])
        return self._queries[node_id]

    def _read_query(self, entry: Entry) -> ReadQuery:
        code = entry.get("raw_code") or ""
        if entry["resource_type"] not in _SOURCES_OF_SQL or entry.get("language") == "python":
            raise UnreadableSqlError("no SQL")
        names = _TableNames(entry, self._entries, self._dialect)
        tables = [self._known(name, self.columns(parent)) for name, parent in names.parents()]
        this, own_name = write_table("floe_this", _identifier(entry), self._dialect)
        # For an incremental model, the SQL of a run on an existing table: it includes the rest.
        is_incremental = "is_incremental" in code

        def read(*, is_incremental: bool) -> ReadQuery:
            sql = render(
                code,
                names.ref,
                names.source,
                self._vars,
                this=this,
                is_incremental=is_incremental,
            )
            return read_query(sql, self._dialect, tables)

        if is_incremental:
            columns = read(is_incremental=False).columns or ()
            # The table may have other columns from before.
            tables.append(KnownTable(own_name, columns))
        return read(is_incremental=is_incremental)

    def _known(self, name: str, columns: Columns | None) -> KnownTable:
        stored = tuple(self._names.read(each) for each in columns or ())
        return KnownTable(name, stored, is_complete=columns is not None)

    @cached_property
    def _needs(self) -> dict[str, Needed]:
        return self._find_needs(())

    def _find_needs(self, offered: Iterable[str]) -> dict[str, Needed]:
        """Return node id -> what some node needs of it, downstream nodes first.

        All columns of the nodes in `offered` are needed.
        """
        found = {node_id: _all_of(self.columns(node_id)) for node_id in offered}
        for node_id in self._from_below():
            entry = self._entries[node_id]
            found[node_id] = found.get(node_id, Needed()) | self._needed_by_configuration(entry)
            for parent, needed in self._needs_of(entry, found[node_id]).items():
                found[parent] = found.get(parent, Needed()) | needed
        return found

    def _needs_of(self, entry: Entry, of_it: Needed) -> dict[str, Needed]:
        """Return the needs of a node, given what is needed of it, by parent."""
        parents = _parents(entry)
        if entry.get("test_metadata"):
            return {parent: self._needed_by_test(entry, parent) for parent in parents}
        if entry["resource_type"] not in _SOURCES_OF_SQL:
            return {}
        query = self._query(entry["unique_id"])
        if query is None:
            return dict.fromkeys(parents, Needed(is_any=True))
        if entry["resource_type"] == "test":
            of_it = Needed(is_any=True)
        ids = dict(_TableNames(entry, self._entries, self._dialect).parents())
        names = self._names
        needs = query.needs(self._renamed(of_it, lambda each: names.key(names.read(each))))
        return {
            ids[name]: self._renamed(needed, self._names.written)
            for name, needed in needs.items()
            if name in ids
        }

    @staticmethod
    def _renamed(needed: Needed, rename: Callable[[str], str]) -> Needed:
        return replace(
            needed,
            columns=frozenset(map(rename, needed.columns)),
            perhaps=frozenset(map(rename, needed.perhaps)),
            unwanted=frozenset(map(rename, needed.unwanted)),
        )

    def _needed_by_configuration(self, entry: Entry) -> Needed:
        """Return what a node's contract or configuration needs of its own columns.

        dbt refuses a column that a contract does not have. The next run of an incremental model
        selects all columns that its table has, unless `on_schema_change` adapts them.
        """
        config = entry.get("config") or {}
        contract = contract_columns(entry)
        named = {self._written_in(column) for column in contract}
        for key in ("unique_key", "updated_at", "check_cols", "partition_by", "cluster_by"):
            value = config.get(key)
            words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            named |= {self.written(str(word)) for word in words if word != "all"}
        is_incremental = config.get("materialized") == "incremental"
        on_change = (config.get("on_schema_change") or "ignore") if is_incremental else ""
        return Needed(
            columns=frozenset(named),
            is_any=on_change in ("ignore", "fail"),
            is_closed=bool(contract) or on_change == "fail",
        )

    def _needed_by_test(self, entry: Entry, parent: str) -> Needed:
        """Return the columns of a node that a generic test gets as arguments."""
        arguments = (entry.get("test_metadata") or {}).get("kwargs") or {}
        is_tested = entry.get("attached_node") in (None, parent)
        own = str(arguments.get("column_name") or "") if is_tested else ""
        words = set(_WORD.findall(str(arguments)))
        lower = {word.lower() for word in words}
        named = {
            name
            for name in self.columns(parent) or ()
            if name in lower or (unquote(name) != name and unquote(name) in words)
        }
        return Needed(columns=frozenset(named | ({self.written(own)} if own else set())))

    def _from_below(self) -> Iterator[str]:
        from graphlib import TopologicalSorter

        edges = {
            i: [p for p in _parents(e) if p in self._entries] for i, e in self._entries.items()
        }
        yield from reversed(list(TopologicalSorter(edges).static_order()))


class _TableNames:
    """The table names in the SQL of one node, by the index of the parent in its list."""

    def __init__(self, entry: Entry, entries: Mapping[str, Entry], dialect: str) -> None:
        self._ids = _parents(entry)
        parents = enumerate(self._ids)
        self._parents = [(index, entries[each]) for index, each in parents if each in entries]
        self._tables = {
            index: write_table(f"floe_t{index}", _identifier(parent), dialect)
            for index, parent in self._parents
        }

    def parents(self) -> Iterator[tuple[str, str]]:
        """Yield (name as a known table, node id) of each parent."""
        for index, (_, name) in self._tables.items():
            yield name, self._ids[index]

    def ref(self, package: str, name: str, version: str) -> str:
        found = [
            (index, parent)
            for index, parent in self._parents
            if parent["resource_type"] != "source"
            and parent["name"] == name
            and package in ("", parent["package_name"])
            and version in ("", str(parent.get("version") or ""))
        ]
        return self._only(found)

    def source(self, source: str, table: str, version: str) -> str:
        found = [
            (index, parent)
            for index, parent in self._parents
            if parent.get("source_name") == source and parent["name"] == table
        ]
        return self._only(found)

    def _only(self, found: list[tuple[int, Entry]]) -> str:
        if len(found) != 1:
            raise UnreadableSqlError("a ref that may mean several nodes, or none")
        return self._tables[found[0][0]][0]


def contract_columns(entry: Entry) -> list[Mapping[str, Any]]:
    """Return the columns of a contract that dbt enforces, as in its manifest; [] without one."""
    contract = (entry.get("config") or {}).get("contract") or entry.get("contract") or {}
    if not contract.get("enforced"):
        return []
    return list((entry.get("columns") or {}).values())


def _parents(entry: Entry) -> list[str]:
    return list((entry.get("depends_on") or {}).get("nodes") or [])


def _identifier(entry: Entry) -> str:
    return str(entry.get("identifier") or entry.get("alias") or entry["name"])


def _all_of(columns: Columns | None) -> Needed:
    return Needed(is_any=True) if columns is None else Needed(columns=frozenset(columns))
