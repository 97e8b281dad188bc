"""Read the warehouse: hashes of relations, versions of sources, and steady functions."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.catalogs.catalog import CATALOGS, TABLE, VIEW, Found, catalog_of
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import digest
from floe_core.reuse.state import RelationFacts, Versions
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.sql.names import Names
from floe_core.storage.files import file_in
from floe_core.warehouse.connection import open_warehouse
from floe_core.warehouse.table_contents import hashes_of_rows, relation_of
from floe_core.warehouse.warehouse import Warehouse


def seed_versions(artifacts: CompiledArtifacts, node: Node) -> Versions | None:
    """Return the current version of a seed's file, None if it cannot be read.

    If the file is a plain CSV, each column has its own version; rows are identified by position.
    """
    path = file_in(artifacts.folder, artifacts.dbt.package_folder(node.package), node.path)
    if path is None:
        return None
    try:
        content = path.read_bytes()
    except OSError:
        return None
    whole = digest(content.hex(), node.reuse.build)
    columns = _columns(path, catalog_of(artifacts.dbt.adapter).names)
    if columns is None:
        return Versions(whole)
    count = len(next(iter(columns.values()), [])) - 1
    rows = digest(count, node.reuse.build)
    return Versions(rows, {name: digest(rows, values) for name, values in columns.items()})


def _columns(path: Path, how: Names) -> dict[str, list[str]] | None:
    """Return column -> its name as written, and its values row by row; None if not a plain CSV."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
    except (OSError, ValueError, csv.Error):
        return None
    names = [how.of_seed(name) for name in header]
    is_plain = len({*names}) == len(names) and all(name.isidentifier() for name in names)
    if not (is_plain and all(len(row) == len(names) for row in rows)):
        return None
    return {name: [row[place] for row in (header, *rows)] for place, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class WarehouseFacts:
    """Node id -> existing relation, source id -> its version, and the warehouse's functions.

    `newest` is source id -> the highest value of its `loaded_at_field`, as text. `settings` changes
    with those settings of dbt's sessions that results may depend on. `problem` says why nothing is
    known, "" if the warehouse was read.
    """

    relations: Mapping[str, RelationFacts] = field(default_factory=dict)
    sources: Mapping[str, Versions] = field(default_factory=dict)
    newest: Mapping[str, str] = field(default_factory=dict)
    functions: Functions = field(default_factory=Functions)
    version: str = ""
    settings: str = ""
    problem: str = ""


def read_warehouse(
    artifacts: CompiledArtifacts, node_ids: Iterable[str], words: Mapping[str, str]
) -> WarehouseFacts:
    """Return what is known of these nodes' relations and sources, each read in its own place.

    `words` is source id -> the version reported by the step that wrote it.

    Raises:
        UsageError: The tables are in no DuckDB file, but in memory.
        EnvironmentProblemError: The warehouse cannot be opened.
    """
    nodes = [artifacts.by_id[node_id] for node_id in node_ids]
    with open_warehouse(artifacts.dbt, artifacts.folder, may_be_new=True) as warehouse:
        in_warehouse = [node for node in nodes if node.is_relation]
        sources = [node for node in nodes if node.resource_type == "source"]
        is_enough = CATALOGS[artifacts.dbt.adapter].has_whole_types
        read = in_warehouse if is_enough else [*in_warehouse, *sources]
        reader = _Reader(warehouse, artifacts.dbt.adapter, read)
        functions = [node for node in nodes if node.resource_type == "function"]
        relations = {**reader.relations(in_warehouse), **reader.functions(functions)}
        versions = {n.unique_id: reader.source(n, words.get(n.unique_id, "")) for n in sources}
        return WarehouseFacts(
            relations,
            {node_id: each for node_id, each in versions.items() if each is not None},
            reader.newest,
            reader.catalog.functions(warehouse),
            reader.catalog.version(warehouse),
            reader.catalog.settings_of_sessions(warehouse),
        )


def read_relation(warehouse: Warehouse, adapter: str, node: Node) -> RelationFacts | None:
    """Return the state of one node's relation, None if it does not exist or can't be read.

    Raises:
        EnvironmentProblemError: The warehouse does not respond.
    """
    return _Reader(warehouse, adapter, [node]).relations([node]).get(node.unique_id)


class _Reader:
    """Reads relations and sources; from the catalog, only what concerns these nodes."""

    def __init__(self, warehouse: Warehouse, adapter: str, nodes: Sequence[Node]) -> None:
        self._warehouse = warehouse
        self.catalog = CATALOGS[adapter]
        self.newest: dict[str, str] = {}
        self._is_here: dict[str, bool] = {}
        self._found = self.catalog.relations(warehouse, [relation_of(node) for node in nodes])

    def relations(self, nodes: Sequence[Node]) -> dict[str, RelationFacts]:
        """Return node id -> the state of its relation, for those that exist."""
        own = [(n, each) for n in nodes if self._holds(n.database) and (each := self._of(n))]
        views = {n.unique_id: self._view(n, each) for n, each in own if each.kind == VIEW}
        found = {node_id: each for node_id, each in views.items() if each is not None}
        tables = [(n, each) for n, each in own if each.kind == TABLE]
        with self._small_queries():
            hashes = hashes_of_rows(
                self._warehouse, {relation_of(n): each.columns for n, each in tables}
            )
        for node, each in tables:
            if content := hashes.get(relation_of(node)):
                named = list(each.columns)
                evidence = digest(each.kind, each.text, named, content)
                found[node.unique_id] = RelationFacts(evidence, self._names(named), content[0])
        return found

    def functions(self, nodes: Sequence[Node]) -> dict[str, RelationFacts]:
        """Return node id -> the definition of its function, for those that exist."""
        found = self.catalog.definitions(self._warehouse) if nodes else {}
        own = ((n, found.get(self.catalog.key(relation_of(n)))) for n in nodes)
        return {
            node.unique_id: RelationFacts(digest("function", text), ())
            for node, text in own
            if text and self._holds(node.database)
        }

    def _of(self, node: Node) -> Found | None:
        return self._found.get(self.catalog.key(relation_of(node)))

    def _holds(self, database: str) -> bool:
        if database not in self._is_here:
            self._is_here[database] = self.catalog.holds(self._warehouse, database)
        return self._is_here[database]

    def _view(self, node: Node, found: Found) -> RelationFacts | None:
        """Return a view's definition, not its rows; None for, say, a view of a file."""
        if node.materialization != "view":
            return None  # Its rows would have to be read.
        try:
            columns = self._warehouse.columns(relation_of(node))
        except EnvironmentProblemError:
            return None
        return RelationFacts(digest(found.kind, found.text, columns), self._names(columns))

    @contextmanager
    def _small_queries(self) -> Iterator[None]:
        """Make the warehouse spend less on query planning, inside the block."""
        before, after = self.catalog.quick
        if before:
            self._warehouse.run(before)
        try:
            yield
        finally:
            if after:
                self._warehouse.run(after)

    def source(self, node: Node, word: str = "") -> Versions | None:
        """Return the version of a source, None if nothing shows whether it is new.

        The version reported by the step that wrote it takes precedence over the relation.

        The version of another product's port depends on its rows: a failed run of its producer may
        have changed them without recording an update.
        """
        if node.reuse.never or (node.database and not self._holds(node.database)):
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
        found = None if word or self.catalog.has_whole_types else self._of(node)
        version = digest(version, columns, found.text if found else "")
        return Versions(version, dict.fromkeys(self._names(columns), version))

    def _version(self, node: Node, columns: list[tuple[str, str]]) -> str:
        """Return the version of a source's rows, "" if nothing shows it."""
        if node.reuse.by_content or node.port:
            return self._content(node, columns)
        if node.reuse.loaded_at:
            return self._read_newest(node)
        return self.catalog.version_of_rows(self._warehouse, relation_of(node))

    def _content(self, node: Node, columns: list[tuple[str, str]]) -> str:
        relation = relation_of(node)
        content = hashes_of_rows(self._warehouse, {relation: columns}).get(relation)
        if content is None:
            raise EnvironmentProblemError(f"{relation.schema}.{relation.name} cannot be read")
        return digest(content)

    def _read_newest(self, node: Node) -> str:
        dialect = self._warehouse.dialect
        place = dialect.place(relation_of(node))
        newest = f"max({node.reuse.loaded_at})"
        expressions = dict.fromkeys((dialect.text(newest), "count(*)", dialect.exact(newest)))
        found = self._warehouse.rows(f"select {', '.join(expressions)} from {place}")[0]
        self.newest[node.unique_id] = str(found[0] or "")
        return digest(found)

    def _names(self, columns: Iterable[tuple[str, str]]) -> tuple[str, ...]:
        return tuple(self.catalog.names.key(name) for name, _ in columns)
