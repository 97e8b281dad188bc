"""Cache the analyses of queries from one run to the next, since parsing SQL takes time.

The cache lies beside the product's runs. If it is missing, damaged or from another version of floe
or of sqlglot, the queries are analyzed again.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from floe_core import __version__
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.queries.analysis import Analysis, Input, analyse
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import Leaf, Part, digest
from floe_core.storage.files import read_regular, write_together
from floe_core.storage.hashed_text import from_hashed_text, to_hashed_text

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
