"""Delivery to a healthy backend, and to unhealthy ones."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from endless_server import endless_server
from wait_for import wait_for

from floe_core.lineage.facets import LineageJob, run_event
from floe_core.lineage.naming import run_id_from
from floe_core.lineage.sending.delivery import Delivery
from floe_core.lineage.sending.delivery_status import RefusedEvent, flush, status
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.draining import Flushed
from floe_core.storage.spooling.spool import Spool

from .conftest import Backend

Deliver = Callable[[LineageSettings], Delivery]
# Seconds that nobody is to wait for.
FAR_TOO_LONG = 300.0


def event(number: int) -> dict[str, Any]:
    job = LineageJob("floe", f"job-{number}", {})
    return run_event("START", datetime.now(UTC), run_id_from(str(number)), {}, job)


def fill(project_dir: Path, count: int) -> list[str]:
    """Let events wait; return the names of their jobs."""
    spool = Spool(project_dir)
    for number in range(count):
        spool.append(event(number))
    return [f"job-{number}" for number in range(count)]


def names(events: list[dict[str, Any]]) -> list[str]:
    return [each["job"]["name"] for each in events]


def to(backend: Backend, **more: Any) -> LineageSettings:
    return LineageSettings(backend="openlineage", config={"url": backend.url, **more})


@pytest.fixture
def deliver(project_dir: Path) -> Iterator[Deliver]:
    """Start delivery, and end it after the test."""
    started: list[Delivery] = []

    def start(settings: LineageSettings) -> Delivery:
        started.append(Delivery(project_dir, settings))
        started[-1].start()
        return started[-1]

    yield start
    for delivery in started:
        delivery.close(0)


def test_what_waits_and_what_comes_later_is_sent_in_order(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    before = fill(project_dir, 3)
    delivery = deliver(to(backend))
    assert names(backend.wait_for(3)) == before
    Spool(project_dir).append(event(3))
    assert delivery.close(10)
    assert names(backend.events) == [*before, "job-3"]
    assert status(project_dir).waiting == 0


def test_closing_at_once_still_sends(backend: Backend, project_dir: Path, deliver: Deliver) -> None:
    expected = fill(project_dir, 20)
    assert deliver(to(backend)).close(10)
    assert names(backend.events) == expected


@pytest.mark.long
@pytest.mark.parametrize("answer", [500, 502, 429, 408])
def test_an_answer_that_may_change_is_waited_out(
    backend: Backend, project_dir: Path, deliver: Deliver, answer: int
) -> None:
    backend.behave = lambda number: answer if number < 2 else 201
    expected = fill(project_dir, 3)
    delivery = deliver(to(backend))
    assert names(backend.wait_for(3)) == expected
    assert delivery.close(10)
    assert (backend.requests, status(project_dir).refused) == (5, ())


@pytest.mark.long
def test_connections_that_break_lose_nothing_and_double_nothing(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    backend.behave = lambda number: 0 if number % 2 else 201
    expected = fill(project_dir, 4)
    deliver(to(backend))
    assert names(backend.wait_for(4)) == expected


@pytest.mark.long
def test_a_refused_event_is_set_aside_and_the_rest_goes_on(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    backend.behave = lambda number: 400 if number == 1 else 201
    fill(project_dir, 3)
    assert deliver(to(backend)).close(10)
    assert names(backend.events) == ["job-0", "job-2"]
    (refused,) = status(project_dir).refused
    assert (refused.job, refused.event_type) == ("job-1", "START")
    assert refused.reason.startswith("HTTPError: 400 Client Error")


@pytest.mark.timeout(FAR_TOO_LONG / 2)
def test_nothing_listening_delays_nobody_and_loses_nothing(
    project_dir: Path, backend: Backend, deliver: Deliver
) -> None:
    nowhere = LineageSettings(config={"url": "http://user:s3cret@127.0.0.1:9"})
    fill(project_dir, 2)
    delivery = deliver(nowhere)
    wait_for(lambda: status(project_dir).last_failure != "")
    assert not delivery.close(FAR_TOO_LONG)
    now = status(project_dir)
    assert (now.waiting, now.refused) == (2, ())
    assert "Connection refused" in now.last_failure
    assert "s3cret" not in now.last_failure
    assert flush(project_dir, to(backend), 10) == Flushed(sent=2, refused=0, waiting=0)
    assert status(project_dir).last_failure == ""


def test_a_hanging_backend_is_given_no_more_than_the_time_asked(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    is_closed = threading.Event()
    backend.behave = lambda number: 201 if number or is_closed.wait(30) else 500
    fill(project_dir, 2)
    delivery = deliver(to(backend))
    wait_for(lambda: backend.requests > 0)
    assert not delivery.close(0.3)
    is_closed.set()
    assert_heard_out_and_sent_once(project_dir, backend)


def assert_heard_out_and_sent_once(project_dir: Path, backend: Backend) -> None:
    """What was on its way is not given up, as it would be in 20 s, and so is not sent again."""
    assert names(backend.wait_for(1))[0] == "job-0"
    wait_for(lambda: status(project_dir).waiting < 2)
    flushed = flush(project_dir, to(backend), 10)
    # On a busy machine the process has sent the other one as well before it was told to stop.
    assert flushed in [Flushed(sent=sent, refused=0, waiting=0) for sent in (0, 1)]
    assert names(backend.events) == ["job-0", "job-1"]


def test_a_backend_that_has_not_answered_for_long_is_not_waited_for(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    is_closed = threading.Event()
    backend.behave = lambda number: 201 if is_closed.wait(30) else 500
    fill(project_dir, 2)
    delivery = deliver(to(backend))
    wait_for(lambda: Spool(project_dir).seconds_sending() >= 2)
    assert not delivery.close(FAR_TOO_LONG)
    is_closed.set()
    assert_heard_out_and_sent_once(project_dir, backend)


def test_two_deliveries_send_each_event_once(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    expected = fill(project_dir, 60)
    one, other = deliver(to(backend)), deliver(to(backend))
    assert names(backend.wait_for(60)) == expected
    one.close(10)
    other.close(10)
    assert len(backend.events) == 60


def test_delivery_ends_with_the_process_that_started_it(
    backend: Backend, project_dir: Path
) -> None:
    code = f"""
import time
from pathlib import Path
from floe_core.lineage.sending.delivery import Delivery
from floe_core.schemas.policies import LineageSettings
delivery = Delivery(Path({str(project_dir)!r}), LineageSettings(config={{"url": {backend.url!r}}}))
delivery.start()
print(delivery._process.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for(lambda: not _is_running(child))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_folder_of_the_product_named_like_a_library_does_no_harm(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    (project_dir / "requests.py").write_text("raise SystemExit(9)")
    fill(project_dir, 1)
    assert deliver(to(backend)).close(10)


def test_a_token_comes_from_the_environment(
    backend: Backend, project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auth = {"type": "api_key", "apiKey": "{{ env_var('LINEAGE_KEY') }}"}
    fill(project_dir, 1)
    flushed = flush(project_dir, to(backend, auth=auth), 0)
    assert flushed == Flushed(0, 0, 1, "stopped before the end")
    flushed = flush(project_dir, to(backend, auth=auth), 0.4)
    assert flushed.reason.endswith("environment variable LINEAGE_KEY is not set")
    monkeypatch.setenv("LINEAGE_KEY", "the-key")
    assert flush(project_dir, to(backend, auth=auth), 10).sent == 1
    assert backend.authorization == ["Bearer the-key"]


def test_what_breaks_the_sending_process_is_found_in_the_status(
    backend: Backend, project_dir: Path, deliver: Deliver
) -> None:
    fill(project_dir, 1)
    (project_dir / ".floe" / "lineage" / "drain.lock").mkdir()
    assert not deliver(to(backend)).close(10)
    now = status(project_dir)
    assert (now.waiting, now.last_failure.partition(": ")[0]) == (1, "sending failed")


def test_without_a_backend_a_flush_says_so(project_dir: Path) -> None:
    fill(project_dir, 2)
    assert flush(project_dir, LineageSettings(), 1) == Flushed(
        0, 0, 2, "no lineage backend is configured"
    )


def test_a_damaged_file_does_not_stop_the_others(backend: Backend, project_dir: Path) -> None:
    fill(project_dir, 1)
    (Spool(project_dir).waiting_folder / "0-damaged.json").write_text("{", "utf-8")
    assert flush(project_dir, to(backend), 10) == Flushed(sent=1, refused=1, waiting=0)
    (refused,) = status(project_dir).refused
    assert refused == RefusedEvent("", "", "", "the file holds no event")


def test_a_file_is_looked_for_from_the_product_by_a_run_and_by_a_flush(
    project_dir: Path, deliver: Deliver
) -> None:
    settings = LineageSettings(config={"type": "file", "log_file_path": "told", "append": True})
    expected = fill(project_dir, 1)
    assert deliver(settings).close(10)
    expected += fill(project_dir, 1)
    assert flush(project_dir, settings, 10) == Flushed(sent=1, refused=0, waiting=0)
    lines = (project_dir / "told").read_text().splitlines()
    assert names([json.loads(line) for line in lines]) == expected


@pytest.mark.long
def test_an_event_that_a_backend_cannot_take_is_set_aside_once_another_was_accepted(
    backend: Backend, project_dir: Path
) -> None:
    backend.judge = lambda event: 500 if event["job"]["name"] in ("job-1", "job-2") else 201
    fill(project_dir, 4)
    assert flush(project_dir, to(backend), 30) == Flushed(sent=2, refused=2, waiting=0)
    assert names(backend.events) == ["job-0", "job-3"]
    told = [(each.job, each.reason.partition(":")[0]) for each in status(project_dir).refused]
    assert told == [
        ("job-1", "9 attempts failed, the last with HTTPError"),
        ("job-2", "5 attempts failed, the last with HTTPError"),
    ]


@pytest.mark.long
def test_an_outage_of_the_backend_sets_nothing_aside(backend: Backend, project_dir: Path) -> None:
    backend.behave = lambda _: 500
    expected = fill(project_dir, 4)
    flush(project_dir, to(backend), 6)
    assert (status(project_dir).waiting, status(project_dir).refused) == (4, ())
    backend.behave = lambda _: 201
    assert flush(project_dir, to(backend), 10) == Flushed(sent=4, refused=0, waiting=0)
    assert names(backend.events) == expected


def test_attempts_are_counted_across_senders_and_an_event_alone_is_set_aside_late(
    backend: Backend, project_dir: Path
) -> None:
    backend.behave = lambda _: 500
    fill(project_dir, 1)
    for _ in range(19):
        assert flush(project_dir, to(backend), 0.4).waiting == 1
    assert flush(project_dir, to(backend), 0.4) == Flushed(sent=0, refused=1, waiting=0)
    assert backend.requests == 20


DRIPPING = {
    "head": {"head": b"HTTP/1.1 201 Created\r\n", "part": b"X: y\r\n"},
    "body": {},
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("where", DRIPPING)
def test_an_answer_that_drips_is_given_up(project_dir: Path, where: str) -> None:
    fill(project_dir, 1)
    with endless_server(**DRIPPING[where]) as port:
        config = {"url": f"http://127.0.0.1:{port}", "timeout": 1}
        done = flush(project_dir, LineageSettings(backend="openlineage", config=config), 0.5)
    assert (done.sent, done.waiting) == (0, 1)
    assert done.reason == "ReadTimeout: no whole answer within 1 s"


def test_of_an_answer_of_gigabytes_the_beginning_is_read(project_dir: Path) -> None:
    fill(project_dir, 1)
    with endless_server(part=b" " * 65536, pause=0) as port:
        config = {"url": f"http://127.0.0.1:{port}"}
        done = flush(project_dir, LineageSettings(backend="openlineage", config=config), 5)
    assert done == Flushed(sent=1, refused=0, waiting=0)


@pytest.mark.long
def test_a_backend_that_says_when_to_come_again_is_not_asked_before(
    backend: Backend, project_dir: Path
) -> None:
    asked = []

    def answer(number: int) -> int:
        asked.append(time.monotonic())
        return 201 if number else 429

    backend.behave, backend.headers = answer, {"Retry-After": "4"}
    expected = fill(project_dir, 2)
    assert flush(project_dir, to(backend), 0.4).waiting == 2
    # Another process does not ask either.
    assert flush(project_dir, to(backend), 0.4).reason.startswith("HTTPError: 429 Client Error")
    assert flush(project_dir, to(backend), 20) == Flushed(sent=2, refused=0, waiting=0)
    assert names(backend.events) == expected
    assert (len(asked), asked[1] - asked[0] >= 4) == (3, True)
