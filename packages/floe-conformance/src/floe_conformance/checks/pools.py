"""Checks of pools: how many nodes they let run, and how they are reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from floe_conformance import kit_product
from floe_conformance.checks.bad_services import (
    USER,
    Attempt,
    bad_services,
    call_all_at_once,
    shows_secret,
)
from floe_conformance.subject import SECRET, SECRET_VARIABLE, Subject
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import NodePools, PoolChecker, PoolProblem
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

PoolAttempt = Attempt[Sequence[PoolProblem]]

POOL, SPANS_FILE = "narrow", "spans"
# Models that record when they begin and end. The one in no pool ends once both others have begun,
# or after 30 seconds.
IN_POOL, IN_NO_POOL = ("narrow_one", "narrow_two"), "wide"
_NOTES = """\
import time
from pathlib import Path


def model(dbt, session):
    dbt.config(materialized='table')
    where = 'select path from duckdb_databases() where path is not null'
    [[warehouse]] = session.execute(where).fetchall()
    spans = Path(warehouse).with_name('spans')

    def note():
        with spans.open('a') as file:
            file.write(f'NAME {time.time()}\\n')

    note()
    WORK
    note()
    return session.sql('select 1 as id')
"""
_MEET = """end = time.monotonic() + 30
    while time.monotonic() < end and spans.read_text().count('narrow') < 3:
        time.sleep(0.1)"""


@dataclass(frozen=True)
class PooledRun:
    """What a run left behind.

    `taken` is how many slots are taken after the run, `built` the relations in the warehouse, and
    `spans` when each model began and ended, as the models themselves recorded it.
    """

    taken: int
    built: frozenset[str]
    spans: dict[str, tuple[float, float]]

    def ran_together(self, one: str, other: str) -> bool:
        """Return whether two models ran at the same time."""
        (begin, end), (others_begin, others_end) = self.spans[one], self.spans[other]
        return begin < others_end and others_begin < end


class PoolChecks(Subject):
    """Models in a pool of one slot run one at a time; a model in no pool runs beside them.

    Skipped if `run_in_pool` is not implemented, or if the plugin is not a `NodePools`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def pooled(cls, tmp_path_factory: pytest.TempPathFactory) -> PooledRun:
        """A run of a product with models in a pool of one slot."""
        subject = cls()
        if not isinstance(subject.plugin(), NodePools):
            pytest.skip("the plugin has no pools of nodes")
        if cls.run_in_pool is Subject.run_in_pool:
            pytest.skip("run_in_pool is not supplied")
        product = cls.compile(tmp_path_factory.mktemp("pooled"), POOLED)
        definitions = subject.plugin().create_definitions(product)
        taken = subject.run_in_pool(definitions, product.folder, POOL, 1)
        return PooledRun(taken, _list_tables(product.folder), _spans(product.folder))

    def test_nodes_of_a_pool_of_one_slot_run_one_at_a_time(self, pooled: PooledRun) -> None:
        """All of them are built, and no two of them run at the same time."""
        one, other = IN_POOL
        assert pooled.built >= {one, other}
        assert not pooled.ran_together(one, other)

    def test_a_node_in_no_pool_does_not_wait(self, pooled: PooledRun) -> None:
        """It runs at the same time as a model in the pool."""
        met = [name for name in IN_POOL if pooled.ran_together(name, IN_NO_POOL)]
        assert met

    def test_no_slot_is_taken_after_a_run(self, pooled: PooledRun) -> None:
        """Neither a slot nor a place in its queue is left taken."""
        assert pooled.taken == 0


def _list_tables(folder: Path) -> frozenset[str]:
    with duckdb.connect(str(folder / kit_product.WAREHOUSE), read_only=True) as warehouse:
        rows = warehouse.execute("select table_name from information_schema.tables").fetchall()
    return frozenset(name for (name,) in rows)


def _spans(folder: Path) -> dict[str, tuple[float, float]]:
    found: dict[str, list[float]] = {}
    for line in (folder / SPANS_FILE).read_text("utf-8").splitlines():
        name, moment = line.split()
        found.setdefault(name, []).append(float(moment))
    return {name: (min(moments), max(moments)) for name, moments in found.items()}


def _noting_model(name: str, work: str) -> str:
    return _NOTES.replace("NAME", name).replace("WORK", work)


POOLED = {
    **{f"models/{name}.py": _noting_model(name, "time.sleep(1.5)") for name in IN_POOL},
    f"models/{IN_NO_POOL}.py": _noting_model(IN_NO_POOL, _MEET),
    "models/narrow.yml": "models:\n"
    + "".join(
        f"  - {{name: {name}, config: {{meta: {{floe: {{pool: {POOL}}}}}}}}}\n" for name in IN_POOL
    ),
}


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
