"""Analyze the code of each node, given its inputs' columns; analyses are cached between runs.

The cache lies beside the product's runs. If it is missing, damaged or from another version of floe
or of sqlglot, the queries are analyzed again.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlglot.errors import SqlglotError

from floe_core import __version__
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.catalogs.catalog import catalog_of
from floe_core.reuse.queries.analysis import Analysis, Input, InputNames, analyse, analysis_of_text
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import WHOLE, Leaf, Part, digest
from floe_core.reuse.situation import Situation, is_adding
from floe_core.reuse.state import Versions
from floe_core.schemas.nodes import Node
from floe_core.sql.parsed import parse_query
from floe_core.storage.files import from_hashed_text, read_regular, to_hashed_text, write_together

_OTHER_ROWS = (
    *(exp.AggFunc, exp.Window, exp.Group, exp.Distinct, exp.Limit, exp.Offset, exp.Qualify),
    *(exp.Anonymous, exp.Unnest, exp.Explode),
)


def repeats(sql: str, dialect: str, itself: Input, *, overwrites: bool) -> bool:
    """Return whether a second build with the same inputs is known to change nothing.

    If dbt `overwrites` all that the query returns again, a query that does not read its own result
    changes nothing. Otherwise it may only return no rows, as it compares a column with the highest
    value that it has there: `where at > (select max(at) from own)`. A unique key is no proof: rows
    may share it, or have none.
    """
    try:
        query = parse_query(sql, dialect)
    except (SqlglotError, RecursionError):
        return False
    names = InputNames([itself], catalog_of(dialect).names)
    own = [table for table in query.find_all(exp.Table) if names.node_of(table)]
    if not own:
        return overwrites
    if overwrites or not isinstance(query, exp.Select):
        return False
    highest = own[0].find_ancestor(exp.Select)
    where = query.args.get("where")
    if len(own) > 1 or highest is None or where is None:
        return False
    condition = _condition(highest)
    if condition is None or not any(condition is each for each in _conjuncts(where.this)):
        return False
    newest, column = condition.this, _column_of_highest(highest)
    selected = [each.unalias() for each in query.selects if each.alias_or_name == column]
    condition.replace(exp.true())
    return selected == [newest] and not query.find(*_OTHER_ROWS)


def _condition(highest: exp.Select) -> exp.GT | None:
    """Return the comparison of a column with a subquery, None if the subquery stands elsewhere."""
    subquery = highest.parent
    around = subquery.parent if isinstance(subquery, exp.Subquery) else None
    if isinstance(around, exp.GT) and around.expression is subquery:
        return around if isinstance(around.this, exp.Column) else None
    return None


def _conjuncts(condition: exp.Expr) -> list[exp.Expr]:
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return [*_conjuncts(inner.left), *_conjuncts(inner.right)]
    return [inner]


def _column_of_highest(select: exp.Select) -> str:
    """Return the column of `select max(column) from own`, "" for any other query."""
    parts = {name for name, value in select.args.items() if value}
    if parts - {"expressions", "from", "from_", "kind"} or len(select.selects) != 1:
        return ""
    value = select.selects[0].unalias()
    if isinstance(value, exp.Coalesce) and all(
        isinstance(each, exp.Literal) for each in value.expressions
    ):
        value = value.this
    is_plain = isinstance(value, exp.Max) and isinstance(value.this, exp.Column)
    return str(value.this.name) if is_plain else ""


FILE = "analyses.json"
# Increase this when `analyse` gives other results for the same SQL: checkouts share a version.
FORMAT = 12
# Above this number, only the analyses that the last plan used are kept.
_MOST = 20_000


class AnalysisCache:
    """Analyses, keyed by the arguments of `analyse`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._edition = [FORMAT, __version__, version("sqlglot")]
        self._known = self._read()
        self._used: dict[str, Any] = {}
        self._unpacked: dict[str, Analysis] = {}
        self._functions: dict[Functions, str] = {}

    def analyse(
        self, sql: str, dialect: str, inputs: tuple[Input, ...], functions: Functions
    ) -> Analysis:
        """Return the analysis of a query, as `analysis.analyse` does."""
        if functions not in self._functions:
            names = [sorted(functions.steady), sorted(functions.own), functions.implied]
            self._functions[functions] = digest(names)
        relations = [(i.node_id, i.database, i.schema, i.name, i.columns) for i in inputs]
        key = digest(sql, dialect, relations, self._functions[functions])
        if key not in self._unpacked:
            packed = self._known.get(key)
            if packed is None:
                packed = _pack(analyse(sql, dialect, inputs, functions))
            self._used[key] = packed
            self._unpacked[key] = _unpack(packed)
        return self._unpacked[key]

    def save(self) -> None:
        """Write new analyses; if the folder cannot be written, do nothing."""
        if self._used.keys() <= self._known.keys():
            return
        every = {**self._known, **self._used}
        kept = every if len(every) <= _MOST else self._used
        text = to_hashed_text(self._edition, kept)
        with suppress(EnvironmentProblemError):
            write_together(self._path.parent, {FILE: text.encode()})

    def _read(self) -> dict[str, Any]:
        try:
            return dict(from_hashed_text(self._edition, read_regular(self._path)))
        except (OSError, EnvironmentProblemError, ValueError, TypeError):
            return {}


def _pack(analysis: Analysis) -> list[Any]:
    columns = analysis.columns
    named = None if columns is None else [[name, *_pack_part(p)] for name, p in columns.items()]
    return [analysis.tree, _pack_part(analysis.rows), named, analysis.never, analysis.by_row_order]


def _pack_part(part: Part) -> list[Any]:
    return [part.hash, sorted(part.leaves)]


def _unpack(packed: list[Any]) -> Analysis:
    tree, rows, named, never, by_row_order = packed
    columns = None if named is None else {name: _unpack_part(*part) for name, *part in named}
    return Analysis(tree, _unpack_part(*rows), columns, never, by_row_order)


def _unpack_part(hashed: str, leaves: list[list[str]]) -> Part:
    return Part(hashed, frozenset(Leaf(*each) for each in leaves))


class NodeAnalyses:
    """Analyses of a plan's nodes; `versions` is node id -> the version of its relation so far."""

    def __init__(self, situation: Situation, versions: Mapping[str, Versions]) -> None:
        self._given = situation
        self._versions = versions

    def of(self, node: Node) -> Analysis | None:
        """Return the analysis of a node's code, None if dbt has not compiled it."""
        code = self._given.codes.get(node.unique_id)
        inputs = self._inputs(node)
        if node.resource_type == "seed":
            return self._of_seed(node)
        if code is None:
            return None
        if node.language != "sql" or node.resource_type == "function":
            return analysis_of_text(code, inputs)
        if not is_adding(node):
            found = self._analyse(code, inputs)
            if not node.reuse.reads_whole:
                return found
            whole = {Leaf(each.node_id, WHOLE) for each in inputs}
            return replace(found, rows=Part(found.rows.hash, found.rows.leaves | whole))
        # It may read its own existing relation, which is not an input.
        found = self._analyse(code, [*inputs, _itself(node)])
        return analysis_of_text(found.tree, inputs, found.never, by_row_order=found.by_row_order)

    def repeats(self, node: Node) -> bool:
        """Return whether a second build of a node with the same inputs surely changes nothing."""
        if not is_adding(node):
            return True
        code = self._given.codes.get(node.unique_id)
        if code is None or not node.reuse.own_rows:
            return False
        overwrites = node.reuse.own_rows == "overwrites"
        return repeats(
            code, self._given.artifacts.dbt.adapter, _itself(node), overwrites=overwrites
        )

    def _analyse(self, code: str, inputs: list[Input]) -> Analysis:
        functions = self._given.warehouse.functions
        return self._given.analyse(
            code, self._given.artifacts.dbt.adapter, tuple(inputs), functions
        )

    def _of_seed(self, node: Node) -> Analysis | None:
        versions = self._given.seeds.get(node.unique_id)
        if versions is None:
            return None
        columns = versions.columns
        parts = None if columns is None else {name: Part(each) for name, each in columns.items()}
        return Analysis(versions.of(WHOLE), Part(versions.rows), parts, by_row_order=False)

    def _inputs(self, node: Node) -> list[Input]:
        found = []
        for parent in self._given.parents(node):
            versions = self._versions.get(parent.unique_id)
            columns = versions.columns if versions else None
            place = (parent.database, parent.schema_name, parent.identifier)
            names = None if columns is None else tuple(columns)
            found.append(Input(parent.unique_id, *place, names))
        return found


def _itself(node: Node) -> Input:
    return Input(node.unique_id, node.database, node.schema_name, node.identifier)
