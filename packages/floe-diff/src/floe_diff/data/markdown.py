"""Differing data as Markdown, for a person or a pull request."""

from __future__ import annotations

from collections.abc import Iterator

from floe_core.cli.console import count_of
from floe_diff.data.tables import DataDifference, Sample, TableDifference

MAX_TEXT = 60
MAX_COLUMNS = 8


def as_markdown(found: DataDifference, title: str) -> str:
    """Return what differs, each table under a heading of its own."""
    if not found:
        return f"## {title}\n\n{count_of(found.compared, 'table')}, all equal.\n"
    count = f"{len(found.tables)} of {count_of(found.compared, 'table')} differ."
    return "\n".join([f"## {title}\n", count, *(_table(t, found.names) for t in found.tables)])


def _table(table: TableDifference, names: tuple[str, str]) -> str:
    lines = [f"\n### `{table.node_id}`\n", *(f"- {text}" for text in _sentences(table, names))]
    if table.samples:
        lines += ["", *_samples(table, names)]
    return "\n".join([*lines, ""])


def _sentences(table: TableDifference, names: tuple[str, str]) -> Iterator[str]:
    for name, rows in zip(names, table.rows, strict=True):
        if rows is None:
            yield f"no table in {name}"
    left, right = table.rows
    if left is None or right is None:
        return
    yield from table.columns
    if left != right:
        yield f"{count_of(left, 'row')} in {names[0]}, {right} in {names[1]}"
    if table.only_left or table.only_right:
        number = count_of(table.only_left, "row")
        yield f"{number} only in {names[0]}, {table.only_right} only in {names[1]}"
    if table.changed:
        by = ", ".join(table.key)
        columns = ", ".join(f"{name} ({count})" for name, count in table.by_column.items())
        yield f"{count_of(table.changed, 'row')} changed, by {by}: {columns}"
    elif not table.key and (table.only_left or table.only_right):
        yield "dbt knows no key of it, so a row that changed is one on each side"


def _samples(table: TableDifference, names: tuple[str, str]) -> Iterator[str]:
    """Yield a Markdown table: the key, then what changed first, as many columns as are readable."""
    changed = [name for name in table.by_column if name not in table.key]
    every = [name for sample in table.samples for name in (sample.left or sample.right or {})]
    columns = [*dict.fromkeys([*table.key, *changed, *every])][:MAX_COLUMNS]
    yield _row(["", *map(_cell, columns)])
    yield _row(["---"] * (len(columns) + 1))
    for sample in table.samples:
        yield _row([_where(sample, names), *(_format_values(sample, name) for name in columns)])


def _where(sample: Sample, names: tuple[str, str]) -> str:
    if sample.left is not None and sample.right is not None:
        return "changed"
    return f"only in {_cell(names[0] if sample.right is None else names[1])}"


def _format_values(sample: Sample, column: str) -> str:
    sides = [_cell(side.get(column)) for side in (sample.left, sample.right) if side is not None]
    return " -> ".join(dict.fromkeys(sides))


def _cell(text: str | None) -> str:
    """Return a value in one line; what could be taken for NULL or nothing is in quotes."""
    if text is None:
        return "NULL"
    short = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}..."
    line = short.replace("\\", "\\\\").replace("|", "\\|").replace("\r", "\\r").replace("\n", "\\n")
    return f"'{line}'" if line != line.strip() or not line or line == "NULL" else line


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
