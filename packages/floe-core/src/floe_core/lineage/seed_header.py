"""Read the columns of a seed from the header of its CSV file."""

from __future__ import annotations

import csv
import re
from pathlib import Path

_NOT_A_COMMA = re.compile(r"[;|\t]")


def seed_columns(file: Path) -> list[str]:
    """Return the names in a seed's first line; [] if they can't be read with certainty.

    A seed may have another delimiter than a comma, which is not known here.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            names = next(csv.reader(lines), [])
    except (OSError, ValueError, csv.Error):
        return []
    return [] if _NOT_A_COMMA.search("".join(names)) else names
