"""Checks that a job which several orchestrators have is started by its owner, once for a tick."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.schedules import latest_tick
from floe_core.schedules.claims import claim_tick
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, end_move, first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

JOB = kit_product.NAME
# Whatever the zone's clock does, a daily tick is at least this long after the one before.
_LESS_THAN_A_DAY = timedelta(hours=20)


class OwnershipChecks(Subject):
    """The product was moved here, from another orchestrator that shares its store of schedules.

    Skipped if `run_for_tick` is not implemented.
    """

    @pytest.fixture
    def moved(self, product: CompiledArtifacts, tmp_path: Path) -> CompiledArtifacts:
        """The product in a folder of its own, where its owner and claims are."""
        if type(self).run_for_tick is Subject.run_for_tick:
            pytest.skip("run_for_tick is not supplied")
        shutil.copytree(product.folder, tmp_path / kit_product.NAME)
        return CompiledArtifacts.load(tmp_path / kit_product.NAME)

    def test_a_tick_of_a_job_of_another_orchestrator_builds_nothing(
        self, moved: CompiledArtifacts
    ) -> None:
        """The orchestrator still has the product, and its schedule."""
        tick = _ticks_ago(moved, 1)
        JobSchedules(moved).change_owner(JOB, None, first_owner("another"))
        assert self._done_at(moved, tick) == frozenset()

    def test_a_tick_that_passed_during_the_move_is_built_late(
        self, moved: CompiledArtifacts
    ) -> None:
        """Though the job has no `catchup`, and the orchestrator had it from then on only."""
        tick = _ticks_ago(moved, 2)
        self._move_here(moved, tick)
        assert self._done_at(moved, tick) != frozenset()

    def test_a_tick_that_another_run_has_claimed_builds_nothing(
        self, moved: CompiledArtifacts
    ) -> None:
        """That run may be the orchestrator's own, or one of another."""
        tick = _ticks_ago(moved, 3)
        self._move_here(moved, tick)
        assert claim_tick(moved, JOB, tick, "another-run") == ""
        assert self._done_at(moved, tick) == frozenset()

    def _move_here(self, product: CompiledArtifacts, tick: datetime) -> None:
        here = product.orchestrator.name
        owner = end_move(begin_move(first_owner("another"), here, tick), datetime.now(UTC))
        JobSchedules(product).change_owner(JOB, None, owner)

    def _done_at(self, product: CompiledArtifacts, tick: datetime) -> frozenset[str]:
        definitions = self.plugin().create_definitions(CompiledArtifacts.load(product.folder))
        return self.run_for_tick(definitions, product.folder, tick).done


def _ticks_ago(product: CompiledArtifacts, count: int) -> datetime:
    """Return a tick of the product's own job; each check has another one."""
    schedule = product.job(JOB).schedule
    assert schedule is not None
    moment = datetime.now(UTC)
    for _ in range(count):
        tick = latest_tick(schedule.cron, schedule.timezone, moment)
        moment = tick - timedelta(seconds=1)
    return tick
