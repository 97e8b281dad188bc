"""Pause and resume the DAGs of others on a running Airflow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.run_history import RecordedRun
from floe_core.plugin_api.unmanaged_schedules import ScheduleState
from floe_orchestrator_airflow.service.rest_access import PAGE, Access, CannotGoOnError
from floe_orchestrator_airflow.service.run_history import recorded, runs_of

# Runs that Airflow has of ticks which floe ran.
PLACEHOLDER = "floe__"
POLL_SECONDS = 0.5
_NOTE = "floe ran this tick. Without this run, Airflow would run it again when the DAG is resumed."


@dataclass(frozen=True)
class UnmanagedDag:
    """See `UnmanagedSchedule`. A tick is the moment after which Airflow creates its run."""

    dag: str
    seconds: float
    settings: Mapping[str, Any]

    def state(self) -> ScheduleState:
        """See `UnmanagedSchedule`."""
        with _asked(self.dag):
            access = Access.of(self.settings, self.seconds)
            found = _dag(access, self.dag)
            return ScheduleState(
                is_enabled=not found["is_paused"],
                cron=_cron(found),
                timezone=str(found.get("timezone") or ""),
                last_tick=_last_tick(access, self.dag),
                next_tick=_next_tick(found),
                catchup=bool(found.get("catchup")),
                stops_runs=True,
            )

    def runs(self) -> Sequence[RecordedRun]:
        """See `UnmanagedSchedule`."""
        wanted: tuple[dict[str, Any], ...] = ({}, {"states": ["running", "queued"]})
        found: dict[str, RecordedRun] = {}
        with _asked(self.dag):
            access = Access.of(self.settings, self.seconds)
            for each in wanted:
                for run in runs_of(access, {**each, "dag_ids": [self.dag]}, PAGE):
                    if not run["dag_run_id"].startswith(PLACEHOLDER):
                        of_dag = recorded(run, self.dag, self.dag, access.url)
                        found[of_dag.run_id] = replace(of_dag, nominal_time=_tick(run))
        return sorted(found.values(), key=lambda run: run.created_at, reverse=True)

    def pause(self) -> None:
        """See `UnmanagedSchedule`."""
        with _asked(self.dag):
            _switch(Access.of(self.settings, self.seconds), self.dag, is_paused=True)

    def resume(self, first: datetime) -> datetime:
        """See `UnmanagedSchedule`.

        Without catchup, Airflow starts a DAG that is resumed with its latest tick. If that comes
        before `first`, it is given a successful run, so that Airflow goes on with the next one.
        """
        with _asked(self.dag):
            access = Access.of(self.settings, self.seconds)
            found = _dag(access, self.dag)
            if not found["is_paused"]:
                return _first_run_since(access, self.dag, first) or _next_tick(found) or first
            found = _parsed_again(access, self.dag, found)
            tick = _next_tick(found)
            if tick is None:
                raise CannotGoOnError("it has no tick to come")
            if not found["catchup"]:
                if tick > first:
                    return tick
                if tick < first and not _occupy(access, self.dag, found):
                    return tick
            _switch(access, self.dag, is_paused=False)
        return first


@contextmanager
def _asked(dag: str) -> Iterator[None]:
    try:
        yield
    except CannotGoOnError as error:
        raise EnvironmentProblemError(f"Airflow and its DAG {dag}: {error}") from None
    except (KeyError, TypeError, ValueError):
        what = "its response is not Airflow's"
        raise EnvironmentProblemError(f"Airflow and its DAG {dag}: {what}") from None


def _dag(access: Access, dag: str) -> dict[str, Any]:
    found = access.ask("GET", f"{_path(dag)}/details")
    if not found:
        raise CannotGoOnError("it has no such DAG")
    return found


def _path(dag: str) -> str:
    return f"/dags/{quote(dag, safe='')}"


def _switch(access: Access, dag: str, *, is_paused: bool) -> None:
    if not access.ask("PATCH", _path(dag), {"is_paused": is_paused}):
        raise CannotGoOnError("it has no such DAG")


def _cron(found: Mapping[str, Any]) -> str:
    """Return the cron expression of a DAG, which floe's own timetable shows with the zone."""
    words = str(found.get("timetable_summary") or "").split()
    return " ".join(words) if len(words) == 5 else ""


def _next_tick(found: Mapping[str, Any]) -> datetime | None:
    return _moment(found.get("next_dagrun_run_after"))


def _last_tick(access: Access, dag: str) -> datetime | None:
    return max(_ticks(access, dag), default=None)


def _first_run_since(access: Access, dag: str, first: datetime) -> datetime | None:
    return min((tick for tick in _ticks(access, dag) if tick >= first), default=None)


def _ticks(access: Access, dag: str) -> list[datetime]:
    """Return the last ticks of which there are runs."""
    wanted = f"run_type=scheduled&order_by=-run_after&limit={PAGE}"
    found = access.ask("GET", f"{_path(dag)}/dagRuns?{wanted}")["dag_runs"]
    return [tick for run in found if (tick := _tick(run))]


def _tick(run: Mapping[str, Any]) -> datetime | None:
    return _moment(run["run_after"]) if run["run_type"] == "scheduled" else None


def _parsed_again(access: Access, dag: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Return a DAG once its file was parsed again: only that updates its next tick."""
    token = quote(str(before["file_token"]), safe="")
    access.change("PUT", f"/parseDagFile/{token}")
    while True:
        found = _dag(access, dag)
        if found["last_parsed_time"] != before["last_parsed_time"]:
            return found
        if time.monotonic() + POLL_SECONDS > access.deadline:
            raise CannotGoOnError("its file is not parsed; see whether the DAG processor runs")
        time.sleep(POLL_SECONDS)


def _occupy(access: Access, dag: str, found: Mapping[str, Any]) -> bool:
    """Record a successful run of the next tick, whose tasks do not run; return whether that is so.

    A DAG may refuse runs that its timetable did not create.
    """
    run_id = f"{PLACEHOLDER}{found['next_dagrun_logical_date']}"
    body = {
        "dag_run_id": run_id,
        "logical_date": found["next_dagrun_logical_date"],
        "data_interval_start": found["next_dagrun_data_interval_start"],
        "data_interval_end": found["next_dagrun_data_interval_end"],
        "run_after": found["next_dagrun_run_after"],
        "note": _NOTE,
    }
    access.change("POST", f"{_path(dag)}/dagRuns", body)
    where = f"{_path(dag)}/dagRuns/{quote(run_id, safe='')}"
    return access.change("PATCH", where, {"state": "success"})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
