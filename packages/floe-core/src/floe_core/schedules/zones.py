"""Look up time zones by their exact names, in the version of the database that is in use."""

from __future__ import annotations

import zoneinfo
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

_NOT_ONE_ZONE = {
    "localtime": "it means another zone on every machine",
    "Factory": "it is a placeholder for an unset clock",
}
_EXAMPLE = "write a name such as Europe/London or UTC"


@lru_cache(maxsize=1024)
def check_timezone(name: str) -> ZoneInfo:
    """Return the zone of exactly that name.

    Raises:
        ValueError: There is none; the error lists similar names.
    """
    if name in _NOT_ONE_ZONE:
        raise ValueError(f"time zone '{name}' cannot be used: {_NOT_ONE_ZONE[name]}; {_EXAMPLE}")
    if name not in _packaged_names() and name not in available_timezones():
        raise ValueError(f"no time zone named {name[:80]!r}; {_advice(name)}")
    return ZoneInfo(name)


@cache
def _packaged_names() -> frozenset[str]:
    """Return the names in the tzdata package, a subset of `available_timezones()`.

    This reads one file, while `available_timezones()` opens several hundred.
    """
    import tzdata

    return frozenset(Path(tzdata.__file__).with_name("zones").read_text("utf-8").split())


def _advice(name: str) -> str:
    near = _near_names(name)
    return f"did you mean {' or '.join(near)}?" if near else _EXAMPLE


def _near_names(name: str) -> list[str]:
    """Return up to three names with the same letters, the same city, or a similar spelling."""
    from difflib import get_close_matches

    wanted = name.casefold().replace(" ", "_")
    folded = {known.casefold(): known for known in sorted(available_timezones() - {*_NOT_ONE_ZONE})}
    if wanted in folded:
        return [folded[wanted]]
    cities = [known for key, known in folded.items() if key.rpartition("/")[2] == wanted]
    return cities[:3] or [folded[key] for key in get_close_matches(wanted, folded, n=3)]


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
