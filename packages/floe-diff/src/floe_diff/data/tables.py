"""Compare the tables of a product in two places."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import UsageError
from floe_core.schemas.nodes import Node
from floe_core.sql.names import unquote
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.dialects import dialect_of
from floe_core.warehouse.table_contents import (
    TableContents,
    column_differences,
    contents,
    relation_of,
    volatile_columns,
)
from floe_core.warehouse.warehouse import Warehouse
from floe_diff.data.places import Place
from floe_diff.data.row_differences import HashedTable, RowDifferences, row_differences

Entry = Mapping[str, Any]

Values = dict[str, str | None]


@dataclass(frozen=True)
class Sample:
    """A row as texts on both sides; None for a side that does not have the row."""

    left: Values | None
    right: Values | None


@dataclass(frozen=True)
class TableDifference:
    """What differs in one table.

    `rows` are the numbers on both sides, None where there is no table. `columns` are sentences;
    `by_column` counts the cells that changed. Without a `key` a row that changed is one on each
    side.
    """

    node_id: str
    key: tuple[str, ...] = ()
    rows: tuple[int | None, int | None] = (None, None)
    columns: tuple[str, ...] = ()
    only_left: int = 0
    only_right: int = 0
    changed: int = 0
    by_column: dict[str, int] = field(default_factory=dict)
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class DataDifference:
    """The tables that differ, in the product's order, and how many were compared."""

    names: tuple[str, str]
    tables: tuple[TableDifference, ...]
    compared: int

    def __bool__(self) -> bool:
        return bool(self.tables)


def data_difference(
    left: Place, right: Place, samples: int, node_ids: Collection[str] | None = None
) -> DataDifference:
    """Return what differs, with at most so many rows of each kind for each table.

    Nodes are those of both compilations, of `node_ids` if they are given.

    Raises:
        UsageError: The places are on two kinds of warehouses, or one has none of the tables.
        EnvironmentProblemError: A warehouse can't be read.
    """
    adapters = [place.artifacts.dbt.adapter for place in (left, right)]
    if adapters[0] != adapters[1]:
        raise UsageError(f"tables in {adapters[0]} and in {adapters[1]} can't be compared")
    theirs = right.artifacts.by_id
    shared = [
        (node, theirs[node.unique_id])
        for node in left.artifacts.runnable
        if node.is_relation
        and node.unique_id in theirs
        and (node_ids is None or node.unique_id in node_ids)
    ]
    keys = keys_in(right.manifest)
    names = left.name, right.name
    with both_open(left, right) as (one, two):
        pairs = [_Pair(names, (one, two), nodes) for nodes in shared]
        if node_ids is None:
            for side, place in enumerate((left, right)):
                _refuse_nothing(place, [pair.contents[side] for pair in pairs])
        found = [pair.difference(keys.get(pair.node_id, ()), samples) for pair in pairs]
    return DataDifference(names, tuple(table for table in found if table), len(pairs))


@contextmanager
def both_open(left: Place, right: Place) -> Iterator[tuple[Warehouse, Warehouse]]:
    """Open both warehouses; two schemas by one session if it is alone and reaches both."""
    with open_warehouse(left.artifacts.dbt, left.folder) as one:
        if one.dialect.is_alone and _session(left) == _session(right):
            yield one, one
            return
        with open_warehouse(right.artifacts.dbt, right.folder) as two:
            yield one, two


def _session(place: Place) -> tuple[Path | None, dict[str, Any]]:
    """Return what two places have in common if one session reaches both."""
    profile = place.artifacts.dbt.profile
    dialect = dialect_of(place.artifacts.dbt.adapter)
    return dialect.file_of_one_writer(profile, place.folder), {**profile, "schema": ""}


def _refuse_nothing(place: Place, tables: Sequence[TableContents]) -> None:
    if not all(table.missing for table in tables):
        return
    what = f"there are no tables of this product in the {place.kind} '{place.name}'"
    if place.kind == "schema":
        what = f"{what}; it is taken for one because it is no target, database file or folder"
    else:
        wanted = sorted({node.schema_name for node in place.artifacts.nodes if node.is_relation})
        what = f"{what}; they would be in the schemas {', '.join(wanted)}"
    raise UsageError(what)


class _Pair:
    """The two tables of one node."""

    def __init__(
        self,
        names: tuple[str, str],
        warehouses: tuple[Warehouse, Warehouse],
        nodes: tuple[Node, Node],
    ) -> None:
        self.node_id = nodes[0].unique_id
        self._names = names
        self._volatile = volatile_columns(nodes[0]) | volatile_columns(nodes[1])
        self._places = [(w, relation_of(n)) for w, n in zip(warehouses, nodes, strict=True)]
        self.contents = [contents(*place, self._volatile) for place in self._places]

    def difference(self, keys: Sequence[tuple[str, ...]], samples: int) -> TableDifference | None:
        """Return what differs, None for nothing, by the first of the keys that both tables have."""
        left, right = self.contents
        if left == right:
            return None
        rows = _rows(left), _rows(right)
        if left.missing or right.missing:
            return TableDifference(self.node_id, rows=rows)
        key = self._key(keys)
        one, two = (self._hashed_table(side, key) for side in (0, 1))
        found = row_differences(one, two, samples) if one.columns else RowDifferences()
        return TableDifference(
            self.node_id,
            key,
            rows,
            tuple(column_differences(self._names, left, right)),
            found.only_left,
            found.only_right,
            found.changed,
            dict(found.by_column.most_common()),
            tuple(_samples(one, two, found)),
        )

    def _types(self, side: int) -> dict[str, str]:
        return {name: kind for name, kind, _ in self.contents[side].columns}

    def _key(self, keys: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        """Return the first key whose columns are in both tables, as those spell them."""
        shared = {name.lower(): name for name in self._types(0) if name in self._types(1)}
        steady = {low: name for low, name in shared.items() if low not in self._volatile}
        known = (key for key in keys if key and all(name.lower() in steady for name in key))
        return tuple(steady[name.lower()] for name in next(known, ()))

    def _hashed_table(self, side: int, key: tuple[str, ...]) -> HashedTable:
        """Return a table's columns to compare: those of one type on both sides, and the key's."""
        own, other = self._types(side), self._types(1 - side)
        columns = {
            name: kind
            for name, kind in own.items()
            if name in key or (other.get(name) == kind and name.lower() not in self._volatile)
        }
        return HashedTable(*self._places[side], columns, key)


def _samples(left: HashedTable, right: HashedTable, found: RowDifferences) -> Iterator[Sample]:
    both = found.changed_keys
    ours = left.texts([*both, *found.left_keys])
    theirs = right.texts([*both, *found.right_keys])
    for keys in (both, found.left_keys, found.right_keys):
        samples = [Sample(ours.get(key), theirs.get(key)) for key in keys]
        yield from sorted(samples, key=lambda sample: _order(sample, left.key))


def _order(sample: Sample, key: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return a sort key that sorts texts of numbers as numbers."""
    row = sample.left or sample.right or {}
    texts = [row[name] or "" for name in key or row]
    return [(len(text), text) for text in texts]


def _rows(table: TableContents) -> int | None:
    return None if table.missing else table.rows


def keys_in(manifest: Entry) -> dict[str, list[tuple[str, ...]]]:
    """Return node id -> what identifies a row, the surest first (dbt manifest v12).

    That is a primary key, a combination of columns that is tested to be unique, a column that is,
    and the unique_key of an incremental model.
    """
    tested: dict[str, list[tuple[str, ...]]] = {}
    for entry in manifest["nodes"].values():
        for columns in _of_test(entry):
            tested.setdefault(str(entry.get("attached_node")), []).append(columns)
    return {
        unique_id: [
            *_of_constraints(entry),
            *sorted(tested.get(unique_id, []), key=len, reverse=True),
            *_of_config(entry),
        ]
        for unique_id, entry in manifest["nodes"].items()
        if entry["resource_type"] != "test"
    }


def _of_constraints(entry: Entry) -> Iterator[tuple[str, ...]]:
    for constraint in entry.get("constraints") or ():
        if constraint["type"] == "primary_key" and constraint.get("columns"):
            yield _names(constraint["columns"])
    for column in (entry.get("columns") or {}).values():
        if any(each["type"] == "primary_key" for each in column.get("constraints") or ()):
            yield (column["name"],)


def _of_test(entry: Entry) -> Iterator[tuple[str, ...]]:
    test = entry.get("test_metadata") or {}
    arguments = test.get("kwargs") or {}
    # A condition on the rows makes the column unique among those alone.
    if (entry.get("config") or {}).get("where"):
        return
    if test.get("name") == "unique" and entry.get("column_name"):
        yield (unquote(str(entry["column_name"])),)
    if test.get("name") == "unique_combination_of_columns":
        yield _names(arguments.get("combination_of_columns") or ())


def _of_config(entry: Entry) -> Iterator[tuple[str, ...]]:
    key = (entry.get("config") or {}).get("unique_key")
    # A snapshot has several rows of one key.
    if key and entry["resource_type"] == "model":
        yield _names([key] if isinstance(key, str) else key)


def _names(columns: Iterable[object]) -> tuple[str, ...]:
    return tuple(unquote(str(name)) for name in columns)
