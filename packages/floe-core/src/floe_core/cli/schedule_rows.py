"""The rows that `floe schedule` shows for a product's jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from floe_core.plugin_api.powers import ScheduleReporter
from floe_core.plugin_interfaces import OrchestratorPlugin
from floe_core.schedules import check_timezone, next_tick
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schedules.ownership import other_owner
from floe_core.schedules.schedule_store import store_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Job, Schedule


def schedule_rows(
    artifacts: CompiledArtifacts, plugin: OrchestratorPlugin | None = None
) -> list[dict[str, Any]]:
    """Return a row for each job, ready for JSON: times are ISO 8601, or null.

    `why_not_here` names another orchestrator that owns the job, null if none does.
    With a plugin, `running` is what the running orchestrator reports, null if it reports nothing.
    """
    store = store_of(artifacts)
    kept = store.read() if store else {}
    overrides = {name for name, each in kept.items() if each.changes_schedule}
    place = store.place if store else ""
    return [
        {
            "job": job.name,
            "set_in": place if job.name in overrides else "floe.yaml",
            **_rule(job.schedule),
            "on_update": job.trigger.on_update if job.trigger else None,
            "paused": job.is_paused,
            "why_not_here": other_owner(job.owner, artifacts.orchestrator.name) or None,
            "running": _describe_running(artifacts, job, plugin),
        }
        for job in with_live_schedules(artifacts).jobs
    ]


def _describe_running(
    artifacts: CompiledArtifacts, job: Job, plugin: OrchestratorPlugin | None
) -> dict[str, Any] | None:
    if not isinstance(plugin, ScheduleReporter):
        return None
    reported = plugin.running_schedule(artifacts, job.name)
    if reported is None:
        return None
    return {
        "orchestrator": plugin.name,
        "enabled": reported.is_enabled,
        "next_tick": reported.next_tick and reported.next_tick.isoformat(),
    }


def _rule(schedule: Schedule | None) -> dict[str, Any]:
    if schedule is None:
        names = ("cron", "timezone", "enabled", "next_tick", "next_tick_local")
        return dict.fromkeys(names)
    following = _next(schedule) if schedule.enabled else None
    local = following and following.astimezone(check_timezone(schedule.timezone))
    return {
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "enabled": schedule.enabled,
        "next_tick": following and following.isoformat(),
        "next_tick_local": local and local.isoformat(),
    }


def _next(schedule: Schedule) -> datetime:
    return next_tick(schedule.cron, schedule.timezone, datetime.now(UTC))
