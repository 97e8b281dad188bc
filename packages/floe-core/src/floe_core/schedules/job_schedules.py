"""Change the schedules of a product's jobs durably, in the same way for every orchestrator."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schedules.schedule_override import Overrides, ScheduleOverride, Switch
from floe_core.schedules.schedule_store import ScheduleStore, place_in, store_of
from floe_core.schedules.zones import check_timezone
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Owner


class JobSchedules:
    """The schedules of one product's jobs, in its store.

    Every change raises ValueError for a job that the product does not have, and
    EnvironmentProblemError when the store cannot be written.
    """

    def __init__(self, artifacts: CompiledArtifacts) -> None:
        self.artifacts = artifacts
        self._store = _require_store(store_of(artifacts), artifacts)

    @classmethod
    def of_plugin(
        cls, defined: CompiledArtifacts | None, settings: Mapping[str, Any]
    ) -> JobSchedules:
        """Return the schedules of the product that a plugin defined last, else in `project_dir`.

        Raises:
            UsageError: The plugin has neither.
        """
        folder = settings.get("project_dir")
        product = CompiledArtifacts.load(Path(folder)) if folder and not defined else defined
        if product is None:
            raise UsageError(
                "schedules belong to a product, and this plugin has none yet; call "
                "create_definitions(artifacts) first, or configure() it with `project_dir`, the "
                "compiled folder"
            )
        return cls(_with_store_setting(product, settings))

    @property
    def place(self) -> str:
        """Where the changes are kept."""
        return self._store.place

    def live(self, job_name: str) -> Job:
        """Return a job with its current schedule."""
        return with_live_schedules(self.artifacts).job(job_name)

    def set(self, job_name: str, cron: str, timezone: str) -> None:
        """Give a job this schedule, enabled, in place of any other.

        Raises:
            ValueError: The job, the expression or the zone is not valid; it lists all problems.
        """
        self._check(job_name, cron, timezone)
        entry = ScheduleOverride(since=_now(), cron=cron, timezone=timezone, switch="on")
        self._store.change(lambda kept: {**kept, job_name: _owned(entry, kept.get(job_name))})

    def remove(self, job_name: str) -> None:
        """Remove a job's schedule, whatever floe.yaml says."""
        self._check(job_name)
        self._store.change(lambda kept: {**kept, job_name: _removed(kept.get(job_name), _now())})

    def pause(self, job_name: str) -> None:
        """Let neither ticks nor updates of ports start runs of a job; keep its schedule.

        Raises:
            ValueError: Neither starts it.
        """
        self._turn(job_name, "off")

    def resume(self, job_name: str) -> None:
        """Let ticks start runs of a job from the next one on, and updates since it was paused.

        Raises:
            ValueError: Neither starts it.
        """
        self._turn(job_name, "on")

    def reset(self, job_name: str) -> None:
        """Give a job the schedule of floe.yaml again."""
        self._check(job_name)
        self._store.change(lambda kept: _without(kept, job_name))

    def change_owner(self, job_name: str, before: Owner | None, after: Owner | None) -> bool:
        """Replace a job's owner, if it is still the one before; return whether it was."""
        self._check(job_name)
        was_same = False

        def change(kept: Overrides) -> Overrides:
            nonlocal was_same
            entry = kept.get(job_name, ScheduleOverride(since=_now()))
            was_same = entry.owner == before
            if not was_same:
                return kept
            changed = {**kept, job_name: entry.model_copy(update={"owner": after})}
            return {name: each for name, each in changed.items() if not each.is_empty}

        self._store.change(change)
        return was_same

    def _turn(self, job_name: str, switch: Switch) -> None:
        self._check(job_name)
        live = self.live(job_name)
        if live.schedule is None and live.trigger is None:
            raise ValueError(
                f"job '{job_name}' of {self.artifacts.product.name} has no schedule; set one first"
            )
        self._store.change(
            lambda kept: {**kept, job_name: _turn(kept.get(job_name), switch, _now())}
        )

    def _check(self, job_name: str, *rule: str) -> None:
        _raise_if_any(
            [_unknown_job(job_name, self.artifacts), *(_complaints(*rule) if rule else ())]
        )


def check_rule(cron: str, timezone: str) -> None:
    """Check that an expression and a zone are valid.

    Raises:
        ValueError: One or both are not.
    """
    _raise_if_any(_complaints(cron, timezone))


def _complaints(cron: str, timezone: str) -> list[str]:
    return [_complaint(parse_cron, cron), _complaint(check_timezone, timezone)]


def _raise_if_any(complaints: list[str]) -> None:
    found = [complaint for complaint in complaints if complaint]
    if found:
        raise ValueError("\n".join(found))


def _turn(entry: ScheduleOverride | None, switch: Switch, now: datetime) -> ScheduleOverride:
    entry = entry or ScheduleOverride(since=now)
    return entry.model_copy(update={"switch": switch, "since": now})


def _removed(entry: ScheduleOverride | None, now: datetime) -> ScheduleOverride:
    removed = ScheduleOverride(since=now, removed=True, switch=entry.switch if entry else None)
    return _owned(removed, entry)


def _owned(entry: ScheduleOverride, before: ScheduleOverride | None) -> ScheduleOverride:
    """Return an entry with the owner of the one before, which only a move changes."""
    return entry.model_copy(update={"owner": before.owner}) if before else entry


def _without(kept: Overrides, job_name: str) -> Overrides:
    others = {name: entry for name, entry in kept.items() if name != job_name}
    before = kept.get(job_name)
    if before is None or before.owner is None:
        return others
    return {**others, job_name: ScheduleOverride(since=before.since, owner=before.owner)}


def _complaint(check: Any, text: str) -> str:
    try:
        check(text)
    except ValueError as error:
        return str(error)
    return ""


def _unknown_job(name: str, artifacts: CompiledArtifacts) -> str:
    names = [job.name for job in artifacts.jobs]
    if name in names:
        return ""
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean '{near[0]}'? its jobs" if near else "its jobs"
    return f"{artifacts.product.name} has no job '{name}'; {hint} are {', '.join(names)}"


def _with_store_setting(
    artifacts: CompiledArtifacts, settings: Mapping[str, Any]
) -> CompiledArtifacts:
    """Return the artifacts with the store that the plugin's settings name, if they name one."""
    place = place_in(settings)
    if not place:
        return artifacts
    config = {**artifacts.orchestrator.config, "schedule_store": place}
    choice = artifacts.orchestrator.model_copy(update={"config": config})
    replaced = artifacts.model_copy(update={"orchestrator": choice})
    return replaced if artifacts.project_dir is None else replaced.bound_to(artifacts.project_dir)


def _require_store(store: ScheduleStore | None, artifacts: CompiledArtifacts) -> ScheduleStore:
    if store is None:
        raise EnvironmentProblemError(
            f"these artifacts of '{artifacts.product.name}' come from no folder, so there is no "
            "place for schedules; load them with CompiledArtifacts.load(project_dir), or name a "
            "store in FLOE_SCHEDULE_STORE"
        )
    return store


def _now() -> datetime:
    return datetime.now(UTC)
