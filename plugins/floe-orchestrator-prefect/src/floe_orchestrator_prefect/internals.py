"""The only module that uses private names of Prefect, which may change in any release.

For each, a comment says why the public API is not enough and what happens without it. They are
imported where they are used, so flows load even if all of them are gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.foundation.lazy_names import warn_of_missing_name

if TYPE_CHECKING:
    from socket import socket
    from uuid import UUID

    from prefect.client.schemas.objects import State, TaskRun
    from prefect.client.schemas.schedules import CronSchedule, RRuleSchedule
    from prefect.tasks import Task

# What Prefect's engine leaves out of the event of a task run, since the server derives it.
_NOT_OF_EVENT = {
    "id",
    "created",
    "updated",
    "flow_run_id",
    "state_id",
    "state_type",
    "state_name",
    "state",
    "estimated_start_time_delta",
    "estimated_run_time",
}
_SET_LATER = {"start_time", "end_time"}
_LONGEST_MESSAGE = 100_000  # as in Prefect's engine


class NoMomentsError(EnvironmentProblemError):
    """Prefect does not expose the ticks of a schedule."""


class NoServerError(Exception):
    """Prefect's server can't be started from its parts."""


def as_on_server(schedule: CronSchedule | RRuleSchedule) -> Any:
    """Return a schedule as an object of the server's own code, which computes its moments.

    Only a running server exposes them publicly, for schedules it already has. Without the names, a
    schedule is given to Prefect as dates instead of a cron expression, and its ticks are unknown.

    Raises:
        NoMomentsError: This version of Prefect lacks the names.
    """
    try:
        from prefect.server.schemas.schedules import (
            CronSchedule,
            IntervalSchedule,
            RRuleSchedule,
        )
    except ImportError:
        warn_of_missing_name("prefect", "schedules are given to it as dates, which end")
        raise NoMomentsError(
            "this version of Prefect does not expose the ticks of a schedule"
        ) from None
    kinds: dict[str, Any] = {
        "cron": CronSchedule,
        "interval": IntervalSchedule,
        "rrule": RRuleSchedule,
    }
    kind = next(kinds[field] for field in kinds if hasattr(schedule, field))
    return kind.model_validate(schedule.model_dump())


@contextmanager
def without_heartbeats() -> Iterator[None]:
    """Have flow runs send no heartbeats during the block.

    At its end, a flow waits up to a second for the thread that sends them. They let a server find
    runs that died, which floe itself ends on a server of its own. No variable of Prefect switches
    them off. Without the names, the flow waits.
    """
    try:
        from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    except ImportError:
        warn_of_missing_name("prefect", "a run takes up to a second longer")
        yield
        return
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield


def emit_assets(
    task: Task[..., Any], task_run_id: UUID, facts: Mapping[str, Any], state: State[Any]
) -> None:
    """Emit the events for the assets that a task materializes, with facts as metadata.

    Publicly only Prefect's engine does so, for functions that it runs itself. Without the name, the
    assets of nodes show no materializations.
    """
    try:
        from prefect.context import AssetContext
    except ImportError:
        warn_of_missing_name("prefect", "the assets of nodes show no materializations")
        return
    context = AssetContext.from_task_and_inputs(task, task_run_id)
    for asset in context.downstream_assets:
        context.add_asset_metadata(asset.key, dict(facts))
    context.emit_events(state)


def event_of_task_run(run: TaskRun, before: State[Any] | None) -> dict[str, Any]:
    """Return the JSON of the event by which the server learns the state of a task run.

    Prefect's engine sends such events for the functions that it runs; their form is not part of
    the public API. A server that does not record them is sent a request for each state instead.
    """
    state = run.state
    if state is None:
        raise ValueError(f"task run {run.id} has no state")
    facts = run.model_dump(mode="json", exclude=_NOT_OF_EVENT)
    return {
        "id": str(state.id),
        "occurred": state.timestamp.isoformat(),
        "event": f"prefect.task-run.{state.name}",
        "resource": {
            "prefect.resource.id": f"prefect.task-run.{run.id}",
            "prefect.resource.name": run.name,
            "prefect.run-count": str(run.run_count),
            "prefect.state-message": (state.message or "")[:_LONGEST_MESSAGE],
            "prefect.state-name": state.name or "",
            "prefect.state-timestamp": state.timestamp.isoformat(),
            "prefect.state-type": state.type.value,
            "prefect.orchestration": "client",
        },
        "related": [
            {
                "prefect.resource.id": f"prefect.flow-run.{run.flow_run_id}",
                "prefect.resource.role": "flow-run",
            },
            *(
                {"prefect.resource.id": f"prefect.tag.{tag}", "prefect.resource.role": "tag"}
                for tag in run.tags
            ),
        ],
        "payload": {
            "intended": {"from": before.type.value if before else None, "to": state.type.value},
            "initial_state": _facts_of(before) if before else None,
            "validated_state": {**_facts_of(state), "data": None},
            "task_run": {
                # The server writes those with the same fields together.
                name: value
                for name, value in facts.items()
                if value is not None or name in _SET_LATER
            },
        },
    }


def _facts_of(state: State[Any]) -> dict[str, Any]:
    return {
        "type": state.type.value,
        "name": state.name,
        "message": state.message and state.message[:_LONGEST_MESSAGE],
        "state_details": {},
    }


def expired_leases(home: Path) -> list[UUID]:
    """Return the expired leases of slots, of a server that stores them in this home.

    A server releases them, but not one that Prefect starts for a single process. Without the name,
    the slots of a killed `floe run` stay taken in its own Prefect.
    """
    folder = home / "concurrency_leases"
    # Before the import, which takes a second.
    if not folder.is_dir():
        return []
    try:
        from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage
    except ImportError:
        warn_of_missing_name("prefect", "slots of a killed run stay taken in its own Prefect")
        return []
    return list(asyncio.run(ConcurrencyLeaseStorage(folder).read_expired_lease_ids()))


def serve_for_one_run(listening: socket) -> None:
    """Serve Prefect's API on a listening socket until SIGTERM, as Prefect does for one process.

    Prefect itself imports the whole server in the process that needs one, and again in the one it
    starts: 1.3 s each. It still does so where the name is missing, or takes other arguments.

    Raises:
        NoServerError: This version of Prefect lacks the name.
    """
    try:
        from prefect.server.api.server import create_app

        app = create_app(ephemeral=True, final=True)
    except (ImportError, TypeError):
        warn_of_missing_name("prefect", "a local run starts later")
        raise NoServerError from None
    import uvicorn

    from floe_orchestrator_prefect.locked_database import AnswerAgain

    answering = AnswerAgain(app)
    uvicorn.Server(uvicorn.Config(answering, log_level="error", lifespan="on")).run([listening])
