import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from floe_orchestrator_airflow.local.rest_api import RestApi, RestError

REFUSED = (500, {"detail": {"reason": "Database error", "statement": "hidden"}})
LOCKED = (503, {"detail": "Database is locked. Backfill creation is not supported on SQLite"})
CONFLICT = (409, {"detail": "there is one"})


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no line for each question."""

    def log_message(self, format: str, *args: object) -> None:
        pass


def with_runs(*runs: tuple[str, str]) -> tuple[int, object]:
    """Return the answer that lists runs, each a DAG's id and a run's."""
    return (200, {"dag_runs": [{"dag_id": dag, "dag_run_id": run} for dag, run in runs]})


@contextmanager
def service(*answers: tuple[int, object]) -> Iterator[tuple[RestApi, list[str]]]:
    """Yield a client of a service that gives these answers, and what the service was asked.

    An answer is a status with content, or with what makes the content of what was asked until then.
    """
    asked: list[str] = []
    waiting = list(answers)

    class Handler(QuietHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "null")
            about = self.path if self.command == "PUT" else (body or {}).get("dag_run_id", "")
            asked.append(f"{self.command} {about}".strip())
            status, content = waiting.pop(0)
            content = content(asked) if callable(content) else content
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        do_GET = do_POST = do_PUT = answer

    with served(Handler) as api:
        yield api, asked


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[RestApi]:
    """Yield a client of a service whose questions this handles, each in a thread of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield RestApi(f"http://127.0.0.1:{server.server_address[1]}", "user", "word")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_run_is_found_among_those_whose_names_begin_alike() -> None:
    alike = [("orders", "first"), ("orders.daily", "first"), ("orders", "first_again")]
    with service(with_runs(*alike), with_runs(*alike[1:])) as (api, _):
        assert api.run("orders", "first") == {"dag_id": "orders", "dag_run_id": "first"}
        assert not api.has_run("orders", "first")


def test_a_run_that_the_database_refused_is_asked_for_again_under_the_same_id() -> None:
    with service(REFUSED, REFUSED, (200, {})) as (api, asked):
        run_id = api.trigger("orders", None, {})

    assert asked == [f"POST {run_id}"] * 3


def test_a_run_that_was_started_though_the_answer_was_a_refusal_is_not_started_twice() -> None:
    def with_the_one_asked_for(asked: list[str]) -> object:
        return with_runs(("orders", asked[0].removeprefix("POST ")))[1]

    with service(REFUSED, CONFLICT, (200, with_the_one_asked_for)) as (api, asked):
        run_id = api.trigger("orders", None, {})

    assert asked == [f"POST {run_id}", f"POST {run_id}", "GET"]


def test_a_conflict_with_another_run_is_told() -> None:
    with (
        service(CONFLICT, with_runs()) as (api, _),
        pytest.raises(RestError, match=r"^HTTP 409: .*there is one"),
    ):
        api.trigger("orders", "2026-01-01T00:00:00+00:00", {})


def test_a_backfill_that_was_left_without_runs_is_canceled_before_the_next_try() -> None:
    days = {"from_date": "2026-03-01T00:00:00Z", "to_date": "2026-03-02T00:00:00Z"}
    other = {"from_date": "2026-02-01T00:00:00Z", "to_date": "2026-02-02T00:00:00Z"}
    there = [
        {"id": 1, "completed_at": "2026-03-03T00:00:00Z", **days},
        {"id": 2, "completed_at": None, **other},
        {"id": 3, "completed_at": None, **days},
    ]
    with service(LOCKED, (200, {"backfills": there}), (200, {}), (200, {})) as (api, asked):
        api.backfill("orders", "2026-03-01T00:00:00+00:00", "2026-03-02T00:00:00+00:00")

    assert asked == ["POST", "GET", "PUT /api/v2/backfills/3/cancel", "POST"]


def test_another_error_of_the_service_is_told_at_once() -> None:
    with service((500, {"detail": "no"})) as (api, asked), pytest.raises(RestError, match="500"):
        api.trigger("orders", None, {})

    assert len(asked) == 1


def test_an_answer_that_is_not_json_says_what_it_is() -> None:
    class PageHandler(QuietHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<h1>Welcome</h1>")

    wanted = r"^http://127\.0\.0\.1:\d+/api/v2/version responds with text/html, not with JSON$"
    with served(PageHandler) as api, pytest.raises(RestError, match=wanted):
        api.ping()


def test_changes_of_several_threads_are_asked_for_one_at_a_time_and_questions_beside_them() -> None:
    class SlowHandler(QuietHandler):
        under_way: ClassVar[list[str]] = []
        seen: ClassVar[set[str]] = set()

        def do_POST(self) -> None:
            self.under_way.append("change")
            time.sleep(0.1)
            self.seen.add(" beside ".join(self.under_way))
            self.under_way.remove("change")
            self.answer()

        def do_GET(self) -> None:
            self.seen.add(" beside ".join(["question", *self.under_way]))
            self.answer()

        def answer(self) -> None:
            self.send_response(200)
            self.end_headers()

    with served(SlowHandler) as api, ThreadPoolExecutor() as threads:
        changes = [threads.submit(api.request, "POST", "/dags", {}) for _ in range(3)]
        while not all(change.done() for change in changes):
            api.request("GET", "/dags")

    assert SlowHandler.seen - {"question"} == {"change", "question beside change"}
