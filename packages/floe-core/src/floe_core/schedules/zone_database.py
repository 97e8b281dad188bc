"""Find out which version of the time zone database is in use."""

from __future__ import annotations

import zoneinfo
from functools import cache
from pathlib import Path

_MARKER = "Europe/London"


@cache
def tzdata_version() -> str:
    """Return the version that zoneinfo uses here, such as `2026b`; "unknown" if it is not stated.

    zoneinfo uses the first folder of `zoneinfo.TZPATH` that has a zone, or the tzdata package if
    none has. A folder states its version in `tzdata.zi` or `+VERSION`.
    """
    for folder in map(Path, zoneinfo.TZPATH):
        if (folder / _MARKER).is_file():
            return _version_of_folder(folder)
    import tzdata

    return str(tzdata.IANA_VERSION)


def _version_of_folder(folder: Path) -> str:
    version_file = folder / "+VERSION"
    if version_file.is_file():
        return version_file.read_text("ascii").strip()
    source_file = folder / "tzdata.zi"
    if source_file.is_file():
        with source_file.open(encoding="ascii") as lines:
            return lines.readline().removeprefix("# version").strip()
    return "unknown"
