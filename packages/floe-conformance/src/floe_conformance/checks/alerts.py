"""Whom a run alerts of what: once, whatever the orchestrator does to get it done."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.alerts import flush, status
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# Orchestrators may see the end of a run in the background.
PATIENCE_SECONDS = 30.0
# A second alert that is wrong comes after the first.
QUIET_SECONDS = 3.0

TellOf = Callable[[str], list[str]]


class AlertChecks(Subject):
    """A failed run alerts once, one that a retry saved warns once, a green one is quiet.

    The orchestrator has no receiver while it runs the product; what it wrote is sent after that.
    Skipped where `run` is not supplied.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def alerts_of(cls, tmp_path_factory: pytest.TempPathFactory) -> TellOf:
        """What fails in a run -> the titles of its alerts."""

        @cache
        def told(what: str) -> list[str]:
            product = cls.compile(tmp_path_factory.mktemp("alerts"), kit_product.ALERTING[what])
            subject = cls()
            subject.run(subject.plugin().create_definitions(product), product.folder)
            return _received(product, is_expected=what != "nothing")

        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        return told

    def test_a_failed_run_alerts_once(self, alerts_of: TellOf) -> None:
        """However many tasks it has, and whoever sees its end."""
        assert alerts_of("model") == [f"{kit_product.NAME}: run failed"]

    def test_a_run_that_a_retry_saved_warns_once(self, alerts_of: TellOf) -> None:
        """An attempt that another follows is no end of a run."""
        assert alerts_of("first try") == [f"{kit_product.NAME}: run succeeded with warnings"]

    def test_a_run_in_which_nothing_fails_alerts_nobody(self, alerts_of: TellOf) -> None:
        """There is nothing to be told."""
        assert alerts_of("nothing") == []


def _received(product: CompiledArtifacts, *, is_expected: bool) -> list[str]:
    """Return the titles that a receiver gets, once the orchestrator has written them."""
    deadline = time.monotonic() + (PATIENCE_SECONDS if is_expected else 0.0)
    while not status(product).waiting and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(QUIET_SECONDS)
    with _receiver() as titles:
        for done in flush(product, PATIENCE_SECONDS):
            assert not done.waiting, done.reason
    return titles


@contextmanager
def _receiver() -> Iterator[list[str]]:
    """Take what is posted, and keep the titles; its URL is in the variable of the product."""
    titles: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            titles.append(json.loads(body)["title"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        os.environ[kit_product.ALERT_VARIABLE] = f"json://127.0.0.1:{server.server_port}/"
        yield titles
    finally:
        del os.environ[kit_product.ALERT_VARIABLE]
        server.shutdown()
        server.server_close()
