"""Checks of the alerts of failed and late runs, at a receiver."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.alerts import flush, green_runs, status, watch_deadlines_since
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

Prepare = Callable[[str], tuple[Any, CompiledArtifacts]]
EMPTY = RunParameters(empty=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

# Orchestrators may process the end of a run in the background.
PATIENCE_SECONDS = 30.0
# A duplicate alert, which would be wrong, comes after the first.
QUIET_SECONDS = 3.0

AlertsOf = Callable[[str], list[str]]


def receive_alerts(product: CompiledArtifacts, *, is_expected: bool) -> list[str]:
    """Return the titles that a receiver gets, once the orchestrator has written the alerts."""
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
    """Yield the titles of alerts as they are posted; set the product's variable to the URL."""
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


class AlertChecks(Subject):
    """A failed run alerts once, one that succeeded on a retry warns once, a green run not at all.

    There is no receiver while the orchestrator runs the product; the alerts that it wrote are
    sent afterwards. Skipped if `run` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def alerts_of(cls, tmp_path_factory: pytest.TempPathFactory) -> AlertsOf:
        """What fails in a run -> the titles of its alerts."""

        @cache
        def run_and_receive(what: str) -> list[str]:
            product = cls.compile(tmp_path_factory.mktemp("alerts"), kit_product.ALERTING[what])
            subject = cls()
            subject.run(subject.plugin().create_definitions(product), product.folder)
            return receive_alerts(product, is_expected=what != "nothing")

        if cls.run is Subject.run:
            pytest.skip("run is not supplied")
        return run_and_receive

    def test_a_failed_run_alerts_once(self, alerts_of: AlertsOf) -> None:
        """However many tasks it has, and whichever part of the orchestrator handles its end."""
        assert alerts_of("model") == [f"{kit_product.NAME}: run failed"]

    def test_a_run_that_a_retry_saved_warns_once(self, alerts_of: AlertsOf) -> None:
        """A failed attempt that is retried is not the end of the run, so it must not alert."""
        assert alerts_of("first try") == [f"{kit_product.NAME}: run succeeded with warnings"]

    def test_a_run_in_which_nothing_fails_alerts_nobody(self, alerts_of: AlertsOf) -> None:
        """No alert is sent at all."""
        assert alerts_of("nothing") == []


class LatenessChecks(Subject):
    """A full run meets the deadline it ends before, an empty run none; a missed one alerts once.

    Each check is skipped if the method that it needs is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def due(cls, tmp_path_factory: pytest.TempPathFactory) -> Prepare:
        """When the deadline is -> the definitions of a separate product with that deadline."""

        @cache
        def prepare(when: str) -> tuple[Any, CompiledArtifacts]:
            changes = kit_product.DUE[when.partition(" ")[0]]
            product = cls.compile(tmp_path_factory.mktemp("due"), changes)
            return cls().plugin().create_definitions(product), product

        return prepare

    def test_a_run_of_the_whole_job_meets_its_deadline(self, due: Prepare) -> None:
        """The run is recorded for its job, with the time at which it ended."""
        if type(self).run is Subject.run:
            pytest.skip("run is not supplied")
        definitions, product = due("later whole")
        self.run(definitions, product.folder)
        assert _wait_for_met_deadlines(product) == {kit_product.DUE_AT}

    def test_a_run_that_reads_no_rows_meets_no_deadline(self, due: Prepare) -> None:
        """A run with `empty` leaves empty tables, so it does not count."""
        if type(self).run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")
        definitions, product = due("later empty")
        assert self.run_with(definitions, product.folder, EMPTY).succeeded
        assert _wait_for_met_deadlines(product) == set()

    def test_a_missed_deadline_is_reported_once(self, due: Prepare) -> None:
        """However often the orchestrator checks deadlines."""
        if type(self).check_deadlines is Subject.check_deadlines:
            pytest.skip("check_deadlines is not supplied")
        definitions, product = due("passed")
        watch_deadlines_since(product, LONG_AGO)
        for _ in range(2):
            self.check_deadlines(definitions, product.folder)
        titles = receive_alerts(product, is_expected=True)
        assert titles == [f"{kit_product.NAME}: deadline missed"]


def _wait_for_met_deadlines(product: CompiledArtifacts) -> frozenset[datetime]:
    """Return the deadlines that runs have met, waiting for the end of the run to be recorded."""
    deadline = time.monotonic() + PATIENCE_SECONDS / 2
    while not (met := green_runs(product, kit_product.NAME).met) and time.monotonic() < deadline:
        time.sleep(0.2)
    return met
