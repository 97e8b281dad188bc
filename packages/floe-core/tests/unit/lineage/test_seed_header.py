from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.lineage.seed_header import seed_columns


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"id,name\n1,a\n", ["id", "name"]),
        (b'\xef\xbb\xbf"id","a, b"\r\n', ["id", "a, b"]),
        (b"id;name\n", []),
        (b"id\tname\n", []),
        (b"\xff\xfe", []),
        (b"", []),
    ],
)
def test_the_first_line_names_the_columns(header: bytes, names: list[str], tmp_path: Path) -> None:
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "raw.csv").write_bytes(header)
    assert seed_columns(tmp_path, "shop", "shop", "seeds/raw.csv") == names


def test_the_seed_of_a_package_lies_in_the_package(tmp_path: Path) -> None:
    folder = tmp_path / "dbt_packages" / "calendar" / "seeds"
    folder.mkdir(parents=True)
    (folder / "days.csv").write_text("day,week\n")
    assert seed_columns(tmp_path, "shop", "calendar", "seeds/days.csv") == ["day", "week"]
    assert seed_columns(tmp_path, "shop", "shop", "seeds/days.csv") == []
