"""A link in place of a file of the state leads no write to the file that it names."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_core.alerts.notes import FolderNotes
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.state_store import store_of
from floe_core.schedules.schedule_store import ScheduleStore
from floe_core.storage.files import hold_if_free
from floe_core.storage.shared_text import FileText
from floe_core.storage.spooling.draining import FailedAttempts
from floe_core.storage.spooling.spool import Spool
from floe_core.storage.state_folder import journal_folder

THEIRS = '{"of": "somebody else"}\n'


def _change_schedules(product: Path) -> None:
    store = ScheduleStore(FileText(product / "schedules.json"))
    store.change(lambda kept: {})


def _hold(product: Path) -> None:
    with hold_if_free(product / ".floe" / "open.lock"):
        pass


def _note_attempts(product: Path) -> None:
    FailedAttempts(product / ".floe" / "lineage").note(Path("1.json"), [])


def _tell(product: Path) -> None:
    FolderNotes(product / ".floe" / "alerts").write("told/r", "told")


def _change_reuse(product: Path) -> None:
    store_of(small_product().bound_to(product)).change(lambda state: state)


WRITES: dict[str, Callable[[Path], object]] = {
    ".floe/reuse.json": _change_reuse,
    ".floe/reuse.json.lock": _change_reuse,
    "schedules.json": _change_schedules,
    "schedules.json.lock": _change_schedules,
    ".floe/lineage/last_failure.json": lambda product: Spool(product).note_failure("away"),
    ".floe/lineage/attempts.json": _note_attempts,
    ".floe/alerts/told/r": _tell,
    ".floe/open.lock": _hold,
}


@pytest.mark.parametrize("name", WRITES)
def test_what_a_link_names_is_not_written(name: str, tmp_path: Path) -> None:
    theirs, place = tmp_path / "theirs", tmp_path / "product" / name
    theirs.write_text(THEIRS)
    place.parent.mkdir(parents=True)
    place.symlink_to(theirs)
    with suppress(EnvironmentProblemError, OSError):
        WRITES[name](tmp_path / "product")
    assert theirs.read_text() == THEIRS


FOLDERS = {
    ".floe/lineage": lambda product: Spool(product).append({}),
    ".floe/lineage/spool": lambda product: Spool(product).append({}),
    ".floe/lineage/refused": lambda product: Spool(product).note_failure("away"),
    ".floe/alerts/told": _tell,
    ".floe/floe-ci": lambda product: journal_folder(product, "floe-ci"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_no_folder_that_a_link_names_is_written(name: str, tmp_path: Path) -> None:
    theirs, place = tmp_path / "theirs", tmp_path / "product" / name
    theirs.mkdir()
    place.parent.mkdir(parents=True)
    place.symlink_to(theirs)
    with pytest.raises(EnvironmentProblemError, match="is a link, which floe does not follow"):
        FOLDERS[name](tmp_path / "product")
    assert list(theirs.rglob("*")) == []


def test_old_notes_in_a_folder_that_a_link_names_stay(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "old").touch()
    (tmp_path / "told").symlink_to(tmp_path / "theirs")
    with pytest.raises(EnvironmentProblemError, match="is a link"):
        FolderNotes(tmp_path).forget("told", -1.0)
    assert (tmp_path / "theirs" / "old").exists()


@pytest.mark.parametrize("name", WRITES)
def test_without_a_link_it_is_written(name: str, tmp_path: Path) -> None:
    place = tmp_path / "product" / name
    place.parent.mkdir(parents=True)
    WRITES[name](tmp_path / "product")
    # The file of a lock goes with it.
    assert place.is_file() or name.endswith(".lock")
