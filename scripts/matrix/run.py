#!/usr/bin/env python3
"""Run cells of the version matrix, one after the other, and write docs/versions.md.

Run by `make matrix`; the arguments are names of cells, without any all of them.
"""

from __future__ import annotations

import sys

from cells import all_cells
from run_cell import build_wheels, run_cell
from versions_page import write_row


def main() -> int:
    """Run the cells that are named; exit 1 if a version that a plugin declares does not work."""
    cells = {cell.name: cell for cell in all_cells()}
    wanted = sys.argv[1:] or list(cells)
    unknown = sorted(set(wanted) - set(cells))
    if unknown:
        print(f"no such cell: {', '.join(unknown)}; choose from {', '.join(cells)}")
        return 2
    build_wheels()
    failed = False
    for name in wanted:
        outcome = run_cell(cells[name])
        write_row(cells[name], outcome)
        print(name, outcome.checks, flush=True)
        is_green = set(outcome.checks.values()) == {"pass"}
        failed = failed or (cells[name].is_declared and not is_green)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
