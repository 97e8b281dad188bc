"""The disk that events may take, and what happens when they take it all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from floe_core.lineage import RunLineage
from floe_core.lineage.sending.delivery_status import flush, status
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.spool import Spool, SpoolFullError

from .conftest import Backend
from .product import REQUEST, artifacts, result
from .test_delivery import event, fill, names, to

MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def _one_megabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOE_LINEAGE_SPOOL_MB", "1")


def fill_up(project_dir: Path) -> int:
    """Write until there is no room; return how many events were kept."""
    with pytest.raises(SpoolFullError) as caught:
        fill(project_dir, 1000)
    assert str(caught.value) == (
        "the events that wait take the 1 MB that FLOE_LINEAGE_SPOOL_MB allows"
    )
    return status(project_dir).waiting


def test_the_oldest_events_are_kept_up_to_the_limit(project_dir: Path) -> None:
    assert status(project_dir).full_since == ""
    # A small file takes 4 KB of the disk.
    assert fill_up(project_dir) == 256
    now = status(project_dir)
    assert (now.waiting, now.taken, now.limit) == (256, MEGABYTE, MEGABYTE)
    assert now.full_since.endswith("Z")
    first = now.full_since
    time.sleep(0.01)
    with pytest.raises(SpoolFullError):
        Spool(project_dir).append(event(1))
    assert status(project_dir).full_since == first


def test_what_was_refused_takes_room_too(project_dir: Path) -> None:
    fill(project_dir, 200)
    spool = Spool(project_dir)
    for path in spool.list_waiting():
        spool.refuse(path, "400")
    assert fill_up(project_dir) == 56


def test_a_writer_that_found_no_room_finds_it_once_there_is_some(
    backend: Backend, project_dir: Path
) -> None:
    spool = Spool(project_dir)
    fill_up(project_dir)
    with pytest.raises(SpoolFullError):
        spool.append(event(1))
    done = flush(project_dir, to(backend), 30)
    assert (done.sent, done.waiting, done.reason) == (256, 0, "")
    assert done.full_since.endswith("Z")
    # All that waited is sent, and the flush has said what was not kept.
    assert status(project_dir).full_since == ""
    time.sleep(1.1)
    spool.append(event(2))
    assert status(project_dir).waiting == 1


def test_a_run_with_no_room_for_its_events_goes_on_and_says_so_once(
    project_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill_up(project_dir)
    nowhere = LineageSettings(config={"url": "http://127.0.0.1:9"})
    lineage = RunLineage(artifacts(project_dir, nowhere), REQUEST)
    lineage.start()
    lineage.receive(result("seed.shop.raw_orders", "success", 2))
    lineage.close(0)
    assert caplog.messages == [
        "lineage of this run is incomplete: SpoolFullError: the events that wait take the 1 MB that "
        "FLOE_LINEAGE_SPOOL_MB allows"
    ]
    assert status(project_dir).waiting == 256


def test_what_was_refused_is_sent_once_more_when_asked_for(
    backend: Backend, project_dir: Path
) -> None:
    expected = fill(project_dir, 3)
    backend.behave = lambda number: 400 if number < 2 else 201
    assert flush(project_dir, to(backend), 10).refused == 2
    assert flush(project_dir, to(backend), 10).sent == 0
    (Spool(project_dir).refused_folder / "0-damaged.json").write_text(
        '{"reason": "the file holds no event", "event": "{"}'
    )
    assert flush(project_dir, to(backend), 10, also_refused=True).sent == 2
    assert names(backend.events) == [expected[2], expected[0], expected[1]]
    assert [each.reason for each in status(project_dir).refused] == ["the file holds no event"]
