"""Checks of schedules: that they are stored and applied, and that an owner alone starts a job."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules import latest_tick
from floe_core.schedules.claims import claim_tick
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import begin_move, end_move, first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

JOB = kit_product.NAME
# Whatever the zone's clock does, a daily tick is at least this long after the one before.
_LESS_THAN_A_DAY = timedelta(hours=20)

_DAY = timedelta(days=1)
# 03:15 in Tokyo, which is nine hours ahead of UTC all year, is 18:15 UTC the day before.
_AFTER_MIDNIGHT = timedelta(hours=18, minutes=15)


class SchedulingChecks(Subject):
    """A schedule outlives the plugin; an invalid cron expression, zone or job is refused."""

    @pytest.fixture
    def copy(self, product: CompiledArtifacts, tmp_path: Path) -> CompiledArtifacts:
        """The product in a folder of its own, since a schedule that is set is stored there."""
        shutil.copytree(product.folder, tmp_path / kit_product.NAME)
        return CompiledArtifacts.load(tmp_path / kit_product.NAME)

    def test_a_schedule_that_was_set_is_there_at_the_next_load(
        self, copy: CompiledArtifacts
    ) -> None:
        """Even in a new plugin object. Skipped if the plugin cannot set schedules."""
        plugin = self.plugin()
        plugin.create_definitions(copy)
        with _skipping_what_cannot_be():
            plugin.schedule_job(kit_product.PAUSED_JOB, "15 3 * * *", "Asia/Tokyo")
        job = self.load(CompiledArtifacts.load(copy.folder)).jobs[kit_product.PAUSED_JOB]
        start = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + 2 * _DAY
        assert job.ticks_between(start, start + 3 * _DAY) == [
            start + days * _DAY + _AFTER_MIDNIGHT for days in range(3)
        ]

    @pytest.mark.parametrize("cron", ["61 * * * *", "* * * *", "0 6 31 2 *", "soon"])
    def test_a_bad_cron_expression_is_refused(self, cron: str, copy: CompiledArtifacts) -> None:
        """`ValueError` whose message contains it."""
        assert cron in self._refusal(copy, kit_product.NAME, cron, "UTC")

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "europe/london", "localtime"])
    def test_a_bad_time_zone_is_refused(self, zone: str, copy: CompiledArtifacts) -> None:
        """`ValueError` whose message contains it."""
        assert zone in self._refusal(copy, kit_product.NAME, "0 6 * * *", zone)

    def test_an_unknown_job_is_refused_with_those_there_are(self, copy: CompiledArtifacts) -> None:
        """`ValueError` that names the product's jobs. Skipped if schedules cannot be set."""
        with _skipping_what_cannot_be():
            message = self._refusal(copy, "nightlyy", "0 6 * * *", "UTC")
        assert [name for name in kit_product.JOBS if name not in message] == []

    def _refusal(self, copy: CompiledArtifacts, job: str, cron: str, zone: str) -> str:
        plugin = self.plugin()
        plugin.create_definitions(copy)
        with pytest.raises(ValueError) as refused:  # noqa: PT011 - the text is checked by callers
            plugin.schedule_job(job, cron, zone)
        return str(refused.value)


@contextmanager
def _skipping_what_cannot_be() -> Iterator[None]:
    try:
        yield
    except EnvironmentProblemError as error:
        pytest.skip(f"the plugin cannot set schedules: {error}")


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
