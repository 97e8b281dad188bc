"""Find the columns of a dbt project's relations, and which its nodes need, before any build.

They come from contracts, seeds, and SQL that can be rendered without dbt; anything uncertain counts
as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from floe_core.compiler.code.raw_sql import THIS, Entry, UnreadableSqlError, render
from floe_core.compiler.dbt.column_names import unquote
from floe_core.compiler.ports.column_marks import (
    ALL,
    NO_MORE,
    WHOLE,
    certain,
    count_leading,
    not_wanted,
    possible,
)
from floe_core.compiler.ports.column_needs import Query, read_query
from floe_core.compiler.ports.query_needs import Columns
from floe_core.lineage.seed_header import seed_columns

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
        self._vars = own_vars
        self._columns: dict[str, Columns | None] = {
            node_id: tuple(name.lower() for name in columns) for node_id, columns in known.items()
        }
        self._queries: dict[str, Query | None] = {}

    def columns(self, node_id: str) -> Columns | None:
        """Return all columns of a relation, in lower case; None if they are not known."""
        if node_id not in self._columns:
            # dbt has refused cycles before; a node that cannot be read keeps this value.
            self._columns[node_id] = None
            self._columns[node_id] = self._read_columns(self._entries[node_id])
        return self._columns[node_id]

    def needed_columns(self, upstream: str) -> set[str] | None:
        """Return the columns of a relation that other nodes need; None if any may be needed.

        A name that may belong to another table is included if the relation may have it.
        """
        found = self._needs.get(upstream, set())
        if ALL in found:
            return None
        known = self.columns(upstream)
        others = possible(found)
        return certain(found) | (others if known is None else others & set(known))

    def named_columns(self, upstream: str) -> set[str]:
        """Return the columns of this relation that other nodes name."""
        return certain(self._needs.get(upstream, set()))

    def passed_columns(self, upstream: str, offered: Iterable[str]) -> set[str]:
        """Return the columns of a relation that only a `*` passes on to these nodes."""
        needs = self._find_needs(offered).get(upstream, set())
        read = self._needs.get(upstream, set())
        passed = certain(needs) | possible(needs)
        return passed - certain(read) - possible(read)

    def shape_needed(self, upstream: str) -> dict[str, Any]:
        """Return what else other nodes need of a relation, as the fields of an InputPort."""
        found = self._needs.get(upstream, set())
        names = not_wanted(found)
        return {
            "leading_read": count_leading(found),
            "is_read_whole": WHOLE in found,
            "not_wanted": None if names is None else tuple(sorted(names)),
        }

    def unresolved_columns(self, node_id: str) -> frozenset[str]:
        """Return the names in a node's SQL that none of its tables has."""
        query = self._query(node_id)
        return query.unresolved if query else frozenset()

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
            return tuple(name.lower() for name in contract)
        if entry["resource_type"] == "seed":
            package = entry["package_name"]
            is_own = package == self._project
            folder = self._folder if is_own else self._packages / package
            header = seed_columns(folder / entry["original_file_path"])
            return tuple(name.lower() for name in header) or None
        if entry["resource_type"] != "model":
            return None
        query = self._query(entry["unique_id"])
        return query.columns if query else None

    def _query(self, node_id: str) -> Query | None:
        if node_id not in self._queries:
            self._queries[node_id] = None
            with suppress(UnreadableSqlError):
                self._queries[node_id] = self._read_query(self._entries[node_id])
        return self._queries[node_id]

    def _read_query(self, entry: Entry) -> Query:
        code = entry.get("raw_code") or ""
        if entry["resource_type"] not in _SOURCES_OF_SQL or entry.get("language") == "python":
            raise UnreadableSqlError("no SQL")
        tables = {
            _table(index): columns
            for index, parent in enumerate(_parents(entry))
            if (columns := self.columns(parent))
        }
        names = _TableNames(entry, self._entries)
        # For an incremental model, the SQL of a run on an existing table: it includes the rest.
        is_incremental = "is_incremental" in code

        def read(*, is_incremental: bool) -> Query:
            sql = render(code, names.ref, names.source, self._vars, is_incremental=is_incremental)
            return read_query(sql, self._dialect, tables)

        if is_incremental and (columns := read(is_incremental=False).columns):
            tables[THIS] = columns
        return read(is_incremental=is_incremental)

    @cached_property
    def _needs(self) -> dict[str, set[str]]:
        return self._find_needs(())

    def _find_needs(self, offered: Iterable[str]) -> dict[str, set[str]]:
        """Return node id -> its columns that some node needs, downstream nodes first.

        All columns of the nodes in `offered` are needed.
        """
        found: dict[str, set[str]] = {
            node_id: set(self.columns(node_id) or (ALL,)) for node_id in offered
        }
        for node_id in self._from_below():
            entry = self._entries[node_id]
            found.setdefault(node_id, set()).update(_names_in_configuration(entry))
            found[node_id] |= _marks_of_configuration(entry)
            for parent, columns in self._needs_of(entry, found[node_id]).items():
                found.setdefault(parent, set()).update(columns)
        return found

    def _needs_of(self, entry: Entry, outputs: set[str]) -> dict[str, set[str]]:
        parents = _parents(entry)
        if entry.get("test_metadata"):
            return {p: _names_in_test(entry, p, self.columns(p) or ()) for p in parents}
        if entry["resource_type"] not in _SOURCES_OF_SQL:
            return {}
        query = self._query(entry["unique_id"])
        if query is None:
            return {parent: {ALL} for parent in parents}
        if entry["resource_type"] == "test":
            outputs = {ALL}
        tables = {_table(index): parent for index, parent in enumerate(parents)}
        needs = query.needs(outputs)
        return {tables[name]: columns for name, columns in needs.items() if name in tables}

    def _from_below(self) -> Iterator[str]:
        from graphlib import TopologicalSorter

        edges = {
            i: [p for p in _parents(e) if p in self._entries] for i, e in self._entries.items()
        }
        yield from reversed(list(TopologicalSorter(edges).static_order()))


class _TableNames:
    """The table names in the SQL of one node, by the index of the parent in its list."""

    def __init__(self, entry: Entry, entries: Mapping[str, Entry]) -> None:
        parents = enumerate(_parents(entry))
        self._parents = [(index, entries[each]) for index, each in parents if each in entries]

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
        return _table(found[0][0])


def contract_columns(entry: Entry) -> dict[str, str]:
    """Return column -> type of a contract that dbt enforces, {} if there is none."""
    contract = (entry.get("config") or {}).get("contract") or entry.get("contract") or {}
    if not contract.get("enforced"):
        return {}
    columns = (entry.get("columns") or {}).values()
    return {each["name"]: each.get("data_type") or "" for each in columns}


def _parents(entry: Entry) -> list[str]:
    return list((entry.get("depends_on") or {}).get("nodes") or [])


def _table(index: int) -> str:
    return f"floe_t{index}"


def _names_in_configuration(entry: Entry) -> set[str]:
    """Return the node's own columns that its contract or configuration names."""
    config = entry.get("config") or {}
    named = {name.lower() for name in contract_columns(entry)}
    for key in ("unique_key", "updated_at", "check_cols", "partition_by", "cluster_by"):
        value = config.get(key)
        words = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        named |= {_plain(word) for word in words if word != "all"}
    return named


def _marks_of_configuration(entry: Entry) -> set[str]:
    """Return what a node's table needs to go on existing beside other columns of the node.

    dbt refuses a column that a contract does not have. The next run of an incremental model selects
    all columns that its table has, unless `on_schema_change` adapts them.
    """
    config = entry.get("config") or {}
    found = {NO_MORE} if contract_columns(entry) else set()
    if config.get("materialized") == "incremental":
        on_change = config.get("on_schema_change") or "ignore"
        found |= {"ignore": {ALL}, "fail": {ALL, NO_MORE}}.get(on_change, set())
    return found


def _plain(name: object) -> str:
    return unquote(str(name)).lower()


def _names_in_test(entry: Entry, parent: str, columns: Columns) -> set[str]:
    """Return the columns of a node that a generic test gets as arguments."""
    arguments = (entry.get("test_metadata") or {}).get("kwargs") or {}
    is_tested = entry.get("attached_node") in (None, parent)
    own = {_plain(arguments.get("column_name") or "")} if is_tested else set()
    words = {word.lower() for word in _WORD.findall(str(arguments))}
    return {name for name in own | (words & set(columns)) if name}
