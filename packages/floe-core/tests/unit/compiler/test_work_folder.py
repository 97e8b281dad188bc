"""Folders that killed compiles left are removed a day later."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from floe_core.compiler.resolve_product import work_folder


def test_what_killed_compiles_left_is_removed_a_day_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    for folder in (elsewhere, tmp_path / "floe-compile-old", tmp_path / "floe-compile-young"):
        (folder / "target").mkdir(parents=True)
    long_ago = time.time() - 2 * 86_400
    os.utime(tmp_path / "floe-compile-old", (long_ago, long_ago))
    (tmp_path / "floe-compile-link").symlink_to(elsewhere)
    os.utime(tmp_path / "floe-compile-link", (long_ago, long_ago), follow_symlinks=False)
    with work_folder() as folder:
        found = {path.name for path in tmp_path.iterdir()} - {Path(folder).name}
    assert found == {"elsewhere", "floe-compile-young", "floe-compile-link"}
    assert (elsewhere / "target").is_dir()
