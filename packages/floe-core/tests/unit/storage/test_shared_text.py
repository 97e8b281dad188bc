"""A text that several processes change says why it cannot be read or changed."""

from __future__ import annotations

import os
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
    why = "is not a regular file; move it away"
    assert told(text.read) == told(lambda: text.change(lambda _: b"")) == f"{text.place}: {why}"


@pytest.mark.parametrize("what", ["pipe", "device", "link", "loop"])
def test_a_text_that_is_no_regular_file_is_told_and_neither_read_nor_written(
    tmp_path: Path, what: str
) -> None:
    place, other = tmp_path / "crm.json", tmp_path / "other"
    other.write_text("of somebody else")
    if what == "pipe":
        os.mkfifo(place)
    else:
        place.symlink_to({"device": "/dev/zero", "link": other, "loop": place}[what])
    text = shared_text(str(tmp_path), "crm")
    why = "is not a regular file; move it away"
    assert told(text.read) == told(lambda: text.change(lambda _: b"")) == f"{place}: {why}"
    assert other.read_text() == "of somebody else"


def test_a_folder_that_is_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "ledger").symlink_to("shared")
    text = shared_text(str(tmp_path / "ledger"), "crm")
    text.change(lambda _: b"new")
    assert text.read() == (tmp_path / "shared" / "crm.json").read_bytes() == b"new"


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
