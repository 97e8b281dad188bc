from __future__ import annotations

import sys
from pathlib import Path

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import write_together


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is there on Linux alone")
def test_a_place_that_cannot_be_written_is_named_as_the_user_named_it() -> None:
    with pytest.raises(EnvironmentProblemError) as caught:
        write_together(Path("/proc"), {"values.yaml": b"size: small\n"})
    assert str(caught.value) == (
        "/proc/values.yaml: cannot be written: No such file or directory; nothing was changed"
    )


def test_folders_that_were_created_are_removed_if_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    files = {"models/first.sql": b"select 1", f"tests/{'x' * 300}": b""}
    for folder in (tmp_path / "new" / "product", tmp_path / "kept"):
        with pytest.raises(EnvironmentProblemError, match="File name too long; nothing was chan"):
            write_together(folder, files)
    assert [str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")] == ["kept"]
