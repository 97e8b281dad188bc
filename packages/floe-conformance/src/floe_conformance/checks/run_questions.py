"""Checks that runs are not reported as known if the orchestrator cannot be queried."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from floe_conformance.checks.bad_services import (
    USER,
    Attempt,
    bad_services,
    call_all_at_once,
    shows_secret,
)
from floe_conformance.subject import SECRET, SECRET_VARIABLE, Subject
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import (
    BackfillReporter,
    ListenerReporter,
    RecordedRun,
    RunHistory,
)
from floe_core.plugin_api.unmanaged_schedules import UnmanagedSchedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RunAttempt = Attempt[object]
SECONDS = 4.0
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


class RunQuestionChecks(Subject):
    """A bad service raises `EnvironmentProblemError`, in time and without secrets.

    Skipped for a plugin that is not a `RunHistory`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def run_attempts(cls, product: CompiledArtifacts) -> dict[str, RunAttempt]:
        """Fault of a service, and the method -> the outcome of asking for runs or for nodes."""
        if not isinstance(cls().plugin(), RunHistory):
            pytest.skip("the plugin does not list runs")
        with pytest.MonkeyPatch.context() as patch, bad_services() as addresses:
            patch.setenv(SECRET_VARIABLE, SECRET)
            calls: dict[str, Callable[[], object]] = {}
            for name, address in addresses.items():
                history = cls()._history_at(address)
                calls |= {f"{name}: {of}": call for of, call in _calls(history, product).items()}
            return call_all_at_once(calls)

    def _history_at(self, address: str) -> RunHistory:
        plugin = self.plugin()
        plugin.configure(self.connection_settings(f"http://{USER}:{SECRET}@{address}"))
        assert isinstance(plugin, RunHistory)
        return plugin

    def test_runs_of_a_bad_service_are_an_error(self, run_attempts: dict[str, RunAttempt]) -> None:
        """Each method raises `EnvironmentProblemError` in time, and nothing else."""
        found = {name: attempt.error or attempt.result for name, attempt in run_attempts.items()}
        wrong = {n: e for n, e in found.items() if not isinstance(e, EnvironmentProblemError)}
        assert wrong == {}

    def test_no_secret_is_shown_where_runs_are_asked_for(
        self, run_attempts: dict[str, RunAttempt]
    ) -> None:
        """Not in the error, though it is in the URL and the service echoes it."""
        shown = {name: str(each.error) for name, each in run_attempts.items() if each.error}
        assert [name for name, text in shown.items() if shows_secret(text)] == []


def _calls(history: RunHistory, product: CompiledArtifacts) -> dict[str, Callable[[], object]]:
    job = product.jobs[0].name
    run = RecordedRun(product.product.name, job, "r-1", "success", MOMENT)
    calls: dict[str, Callable[[], object]] = {
        "runs": lambda: history.recent_runs([product], None, 10, SECONDS),
        "changed runs": lambda: history.recent_runs([product], MOMENT, 10, SECONDS),
        "nodes": lambda: history.nodes_of_run(product, run, SECONDS),
    }
    if isinstance(history, ListenerReporter):
        calls["listeners"] = lambda: history.listeners_of(product, SECONDS)
    if isinstance(history, BackfillReporter):
        calls["backfills"] = lambda: history.backfills_of(product, job, SECONDS)
    if isinstance(history, UnmanagedSchedules):
        schedule = history.unmanaged_schedule("shop/nightly", SECONDS)
        calls |= {
            "unmanaged schedule": schedule.state,
            "unmanaged runs": schedule.runs,
            "pause": schedule.pause,
            "resume": lambda: schedule.resume(MOMENT),
        }
    return calls
