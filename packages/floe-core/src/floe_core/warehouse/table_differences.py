"""Describe how a node's table differs between two sides."""

from __future__ import annotations

from collections.abc import Iterator

from floe_core.warehouse.table_contents import TableContents

Names = tuple[str, str]


def table_differences(
    names: Names, left: TableContents | None, right: TableContents | None
) -> list[str]:
    """Return the differences with the sides' names; [] if the tables are equal or both absent."""
    if left == right:
        return []
    if left is None or right is None or left.missing or right.missing:
        absent = names[0] if left is None or left.missing else names[1]
        return [f"no table on {absent}"]
    found = [*column_differences(names, left, right), *_rows(names, left, right)]
    return found or ["contents differ in how the columns' values are paired"]


def column_differences(names: Names, left: TableContents, right: TableContents) -> Iterator[str]:
    """Yield columns that are missing on a side, have another type or are in another order."""
    ours, theirs = _types(left), _types(right)
    for missing, here, name in ((ours, theirs, names[0]), (theirs, ours, names[1])):
        for column in here:
            if column not in missing:
                yield f"no column {column} on {name}"
    both = [column for column in ours if column in theirs]
    for column in both:
        if ours[column] != theirs[column]:
            one, two = f"{ours[column]} on {names[0]}", f"{theirs[column]} on {names[1]}"
            yield f"{column} is {one}, {two}"
    if both != [column for column in theirs if column in ours]:
        yield f"columns in another order on {names[1]}"


def _rows(names: Names, left: TableContents, right: TableContents) -> Iterator[str]:
    if left.rows != right.rows:
        noun = "row" if left.rows == 1 else "rows"
        yield f"{left.rows} {noun} on {names[0]}, {right.rows} on {names[1]}"
        return
    # Values of different types hash differently, so for these only the types are reported.
    theirs = {(name, kind): total for name, kind, total in right.columns}
    differing = [n for n, kind, total in left.columns if theirs.get((n, kind), total) != total]
    if differing:
        yield f"contents differ in {', '.join(differing)}"


def _types(table: TableContents) -> dict[str, str]:
    return {name: kind for name, kind, _ in table.columns}
