from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest
import tzdata

from floe_core.schedules import check_timezone, tzdata_version

EXAMPLE = "write a name such as Europe/London or UTC"


def test_every_zone_that_python_knows_is_accepted_but_two() -> None:
    for name in zoneinfo.available_timezones() - {"localtime", "Factory"}:
        assert check_timezone(name) == zoneinfo.ZoneInfo(name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", f"no time zone named ''; {EXAMPLE}"),
        ("europe/london", "no time zone named 'europe/london'; did you mean Europe/London?"),
        ("London", "no time zone named 'London'; did you mean Europe/London?"),
        ("utc", "no time zone named 'utc'; did you mean UTC?"),
        ("New York", "no time zone named 'New York'; did you mean America/New_York?"),
        ("Mars/Phobos", f"no time zone named 'Mars/Phobos'; {EXAMPLE}"),
        ("../../etc/passwd", f"no time zone named '../../etc/passwd'; {EXAMPLE}"),
        ("/etc/localtime", f"no time zone named '/etc/localtime'; {EXAMPLE}"),
        ("x\0", f"no time zone named 'x\\x00'; {EXAMPLE}"),
        (
            "localtime",
            "time zone 'localtime' cannot be used: it means another zone on every machine; "
            + EXAMPLE,
        ),
        (
            "Factory",
            "time zone 'Factory' cannot be used: it is a placeholder for an unset clock; "
            + EXAMPLE,
        ),
    ],
)
def test_any_other_name_is_refused_with_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ValueError, match="time zone") as refused:
        check_timezone(name)
    assert str(refused.value) == message


@pytest.fixture
def search_path() -> Iterator[None]:
    """Give zoneinfo's own search path back after a test that changes it."""
    tzdata_version.cache_clear()
    yield
    zoneinfo.reset_tzpath()
    tzdata_version.cache_clear()


def zone_folder(folder: Path, name: str, text: str) -> str:
    (folder / "Europe").mkdir()
    (folder / "Europe" / "London").write_bytes(b"TZif2")
    (folder / name).write_text(text)
    return str(folder)


@pytest.mark.usefixtures("search_path")
@pytest.mark.parametrize(
    ("name", "text", "version"),
    [
        ("tzdata.zi", "# version 2031c\n# more", "2031c"),
        ("+VERSION", "2031d\n", "2031d"),
        ("other", "", "unknown"),
    ],
)
def test_the_edition_is_that_of_the_folder_zoneinfo_reads(
    tmp_path: Path, name: str, text: str, version: str
) -> None:
    zoneinfo.reset_tzpath([zone_folder(tmp_path, name, text)])
    assert tzdata_version() == version


@pytest.mark.usefixtures("search_path")
def test_without_a_folder_the_edition_is_that_of_the_package() -> None:
    zoneinfo.reset_tzpath([])
    assert tzdata_version() == tzdata.IANA_VERSION
