"""Checks that pools are not reported as healthy if the orchestrator cannot be queried."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from floe_conformance.checks.attempts import USER, Attempt, call_all_at_once, shows_secret
from floe_conformance.checks.bad_services import bad_services
from floe_conformance.subject import SECRET, SECRET_VARIABLE, Subject
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import PoolChecker, PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

POOL = "narrow"
PoolAttempt = Attempt[Sequence[PoolProblem]]


class PoolQuestionChecks(Subject):
    """A bad service raises `EnvironmentProblemError`, in time and without secrets.

    Skipped for a plugin that is not a `PoolChecker`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def pool_attempts(cls, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PoolAttempt]:
        """Fault of a service -> the outcome of `check_pools` for a product with a pool."""
        if not isinstance(cls().plugin(), PoolChecker):
            pytest.skip("the plugin does not ask for pools")
        product = cls.compile(tmp_path_factory.mktemp("asked"), {})
        execution = product.execution.model_copy(update={"pool": POOL})
        pooled = product.model_copy(update={"execution": execution}).bound_to(product.folder)
        with pytest.MonkeyPatch.context() as patch, bad_services() as addresses:
            patch.setenv(SECRET_VARIABLE, SECRET)
            calls = {name: cls()._check(at, pooled) for name, at in addresses.items()}
            return call_all_at_once(calls)

    def _check(
        self, address: str, pooled: CompiledArtifacts
    ) -> Callable[[], Sequence[PoolProblem]]:
        plugin = self.plugin()
        plugin.configure(self.connection_settings(f"http://{USER}:{SECRET}@{address}"))
        assert isinstance(plugin, PoolChecker)
        return lambda: plugin.check_pools(pooled)

    def test_pools_of_a_bad_service_are_an_error(
        self, pool_attempts: dict[str, PoolAttempt]
    ) -> None:
        """`check_pools` raises `EnvironmentProblemError` within ten seconds, and nothing else."""
        found = {name: attempt.error or attempt.result for name, attempt in pool_attempts.items()}
        wrong = {n: e for n, e in found.items() if not isinstance(e, EnvironmentProblemError)}
        assert wrong == {}

    def test_no_secret_is_shown_where_pools_are_asked_for(
        self, pool_attempts: dict[str, PoolAttempt]
    ) -> None:
        """Not in the error, though it is in the URL and the service echoes it."""
        shown = {
            name: str(attempt.error) for name, attempt in pool_attempts.items() if attempt.error
        }
        assert [name for name, text in shown.items() if shows_secret(text)] == []
