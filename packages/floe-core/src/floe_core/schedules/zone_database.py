"""Which edition of the time zone database is at work."""

from __future__ import annotations

import zoneinfo
from functools import cache
from pathlib import Path

_MARKER = "Europe/London"


@cache
def tzdata_version() -> str:
    """Return the edition that zoneinfo reads here, such as `2026b`; "unknown" if it does not say.

    zoneinfo takes the first folder of `zoneinfo.TZPATH` that has a zone, and the tzdata package
    when none has. A folder names its edition in `tzdata.zi` or `+VERSION`.
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
