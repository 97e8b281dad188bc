from __future__ import annotations

from pathlib import Path

import pytest

from floe_core.lineage.product_graph import seed_columns


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
    assert seed_columns(tmp_path / "seeds" / "raw.csv") == names


def test_a_seed_that_is_not_there_has_no_columns(tmp_path: Path) -> None:
    assert seed_columns(tmp_path / "days.csv") == []
