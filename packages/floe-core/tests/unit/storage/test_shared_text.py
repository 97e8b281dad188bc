"""A text that several processes change says why it cannot be read or changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.shared_text import shared_text


def told(act: Callable[[], object]) -> str:
    with pytest.raises(EnvironmentProblemError) as caught:
        act()
    return str(caught.value)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("")
    text = shared_text(str(tmp_path / "ledger"), "crm")
    why = f"there is no folder {tmp_path}/ledger; mount its disk, or create it"
    assert told(lambda: text.change(lambda _: b"")) == f"{text.place}: cannot be written: {why}"


def test_a_folder_that_is_missing_is_told_and_not_created(tmp_path: Path) -> None:
    text = shared_text(str(tmp_path / "ledger"), "crm")
    why = f"there is no folder {tmp_path}/ledger; mount its disk, or create it"
    assert told(lambda: text.change(lambda _: b"")) == f"{text.place}: cannot be written: {why}"
    assert told(text.read) == f"{text.place}: cannot be read: {why}"
    assert not (tmp_path / "ledger").exists()


def test_a_text_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "crm.json").mkdir()
    text = shared_text(str(tmp_path), "crm")
    why = f"[Errno 21] Is a directory: '{tmp_path}/crm.json'"
    assert told(text.read) == f"{text.place}: cannot be read: {why}"


def test_a_database_that_does_not_answer_is_told() -> None:
    text = shared_text("postgresql://floe:s3cret@127.0.0.1:1/x", "crm")
    assert told(text.read) == (
        "postgresql://127.0.0.1:1/x: crm: cannot be read: connection to server at "
        '"127.0.0.1", port 1 failed: Connection refused'
    )


def test_a_password_that_is_no_part_of_a_url_is_not_told() -> None:
    text = shared_text("postgresql://floe:s3%cret@127.0.0.1:1/x", "crm")
    assert told(text.read) == (
        "postgresql://127.0.0.1:1/x: crm: cannot be read: "
        "invalid dsn: invalid percent-encoded token"
    )


def test_a_package_that_is_not_installed_is_told() -> None:
    text = shared_text("gs://acme/ledger", "crm")
    assert told(text.read) == (
        "gs://acme/ledger/crm: this kind of URL needs a package that is not installed "
        "(Please install gcsfs to access Google Storage)"
    )
