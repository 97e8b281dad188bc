"""Pause and resume the deployments of others on a running Prefect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError, UsageError
from floe_core.foundation.service_probe import NoAnswerError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_orchestrator_prefect.service.run_history import (
    PAGE,
    UNDER_WAY,
    RefusedError,
    Server,
    as_moment,
    recorded,
)
from floe_orchestrator_prefect.ticks.schedule_uptake import next_moment

# Runners take a run up so long before its tick.
_AHEAD = timedelta(minutes=1)
# More ticks than a move takes; Prefect's own limit is 100.
_MOST_TICKS = 10_000


@dataclass(frozen=True)
class UnmanagedDeployment:
    """See `UnmanagedSchedule`. Prefect deletes the runs that nobody has taken up at a pause."""

    name: str
    seconds: float
    settings: Mapping[str, Any]

    def state(self) -> ScheduleState:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            deployment = self._found()
            is_enabled = deployment.is_enabled
            runs, now = list(deployment.runs_until(datetime.now(UTC) + _AHEAD)), datetime.now(UTC)
            begun = (run for run in runs if run["auto_scheduled"] and not _may_be_deleted(run))
            due = (run for run in runs if run["auto_scheduled"] and _is_due(run, now))
            cron, timezone = _rule(deployment.schedules)
            return ScheduleState(
                is_enabled=is_enabled,
                cron=cron,
                timezone=timezone,
                last_tick=max(map(_tick, begun), default=None),
                next_tick=next_moment(deployment.schedules, now),
                stops_runs=is_enabled and any(due),
            )

    def runs(self) -> Sequence[RecordedRun]:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            deployment, now = self._found(), datetime.now(UTC)
            found = {
                run["id"]: deployment.recorded(run)
                for run in (*deployment.runs_until(now), *deployment.runs_under_way())
                if _is_due(run, now) or not _may_be_deleted(run)
            }
        return sorted(found.values(), key=lambda run: run.created_at, reverse=True)

    def pause(self) -> None:
        """See `UnmanagedSchedule`."""
        with _asked(self.name):
            self._found().change("pause_deployment")

    def resume(self, first: datetime) -> datetime:
        """See `UnmanagedSchedule`. Its first tick may be over by then: Prefect runs it late.

        The server creates runs every few seconds and from that moment on, so those since `first`
        are requested here; it creates each once.
        """
        with _asked(self.name):
            deployment = self._found()
            begins = next_moment(deployment.schedules, first)
            if begins is None:
                raise RefusedError("it has no tick to come")
            if begins == first:
                deployment.change("resume_deployment")
                deployment.create_runs_since(first)
        return begins

    def _found(self) -> _Deployment:
        return _Deployment.of(self.settings, self.name, self.seconds)


@contextmanager
def _asked(name: str) -> Iterator[None]:
    try:
        yield
    except UsageError:
        raise
    except (NoAnswerError, RefusedError) as error:
        raise EnvironmentProblemError(f"Prefect and its deployment {name}: {error}") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        what = "its response is not Prefect's"
        raise EnvironmentProblemError(f"Prefect and its deployment {name}: {what}") from None


@dataclass(frozen=True)
class _Deployment:
    server: Server
    found: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Mapping[str, Any], name: str, seconds: float) -> _Deployment:
        """Return the deployment `FLOW/DEPLOYMENT`, as Prefect's own commands name it."""
        flow, _, deployment = name.partition("/")
        if not deployment:
            raise UsageError(f"'{name}' names no deployment of Prefect: give FLOW/DEPLOYMENT")
        server = Server.of(settings, seconds)
        path = f"/deployments/name/{quote(flow, safe='')}/{quote(deployment, safe='')}"
        return cls(server, server.ask("GET", path))

    @property
    def schedules(self) -> list[Any]:
        """Return its active schedules, as Prefect's client has them."""
        from prefect.client.schemas.objects import DeploymentSchedule

        found = map(DeploymentSchedule.model_validate, self.found["schedules"])
        return [each.schedule for each in found if each.active]

    @property
    def is_enabled(self) -> bool:
        return not self.found["paused"] and bool(self.schedules)

    def runs_until(self, end: datetime) -> Iterator[Mapping[str, Any]]:
        """Yield the last runs that were to start before a moment, the newest first."""
        return self._runs({"expected_start_time": {"before_": end.isoformat()}})

    def runs_under_way(self) -> Iterator[Mapping[str, Any]]:
        return self._runs({"state": {"type": {"any_": UNDER_WAY}}})

    def _runs(self, wanted: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        own = {"deployments": {"id": {"any_": [self.found["id"]]}}}
        body = {**own, "flow_runs": wanted, "sort": "EXPECTED_START_TIME_DESC"}
        return self.server.pages("/flow_runs/filter", body, PAGE)

    def recorded(self, run: Mapping[str, Any]) -> RecordedRun:
        name = str(self.found["name"])
        tick = _tick(run) if run["auto_scheduled"] else None
        return replace(recorded(run, name, name, self.server.access.url), nominal_time=tick)

    def change(self, what: str, body: Mapping[str, Any] | None = None) -> None:
        self.server.ask("POST", f"/deployments/{self.found['id']}/{what}", body)

    def create_runs_since(self, first: datetime) -> None:
        """Create the runs of its ticks from one on until now, and of the next one."""
        since = max((datetime.now(UTC) - first).total_seconds(), 0)
        body = {"start_time": first.isoformat(), "min_time": since, "min_runs": 1}
        self.change("schedule", {**body, "max_runs": _MOST_TICKS})


def _may_be_deleted(run: Mapping[str, Any]) -> bool:
    """Return whether nobody has taken a run up yet, so that a pause of its deployment deletes it.

    One that waits for a slot was taken up before.
    """
    is_scheduled = run["state_type"] == "SCHEDULED" and not run["run_count"]
    return is_scheduled and run["state_name"] != "AwaitingConcurrencySlot"


def _is_due(run: Mapping[str, Any], now: datetime) -> bool:
    return _may_be_deleted(run) and _tick(run) <= now


def _tick(run: Mapping[str, Any]) -> datetime:
    moment = as_moment(run["expected_start_time"])
    assert moment is not None
    return moment


def _rule(schedules: Sequence[Any]) -> tuple[str, str]:
    """Return cron expression and time zone if that is the whole rule, else "" for each."""
    if len(schedules) != 1 or not hasattr(schedules[0], "cron"):
        return "", ""
    [rule] = schedules
    return (rule.cron, rule.timezone or "UTC") if rule.day_or else ("", "")
