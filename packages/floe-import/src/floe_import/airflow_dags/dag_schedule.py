"""A DAG's schedule as one of floe.yaml, where floe.yaml can express it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floe_core.schedules import check_timezone, parse_cron
from floe_import.python.arguments import Argument, arguments
from floe_import.python.objects import Made
from floe_import.python.values import EnvText, Value

_DATETIME = ("year", "month", "day", "hour", "minute", "second", "microsecond", "tzinfo")
_PENDULUM = (*_DATETIME[:-1], "tz")


def cron_schedule(given: Mapping[str, Argument]) -> dict[str, Any] | None:
    """Return `cron` and `timezone` of a DAG's arguments, None if only Airflow can express them.

    The time zone of a DAG is that of its start date. A DAG that catches up keeps its own schedule:
    floe's runs no earlier tick.
    """
    catchup = given.get("catchup")
    if catchup is not None and catchup.value is not False:
        return None
    found = given.get("schedule") or given.get("schedule_interval")
    cron = found.value if found else None
    zone = _zone_of(given)
    if not isinstance(cron, str) or isinstance(cron, EnvText) or zone is None:
        return None
    try:
        parse_cron(cron)
        check_timezone(zone)
    except ValueError:
        return None
    return {"cron": cron, "timezone": zone}


def _zone_of(given: Mapping[str, Argument]) -> str | None:
    start = given.get("start_date")
    value: Value = start.value if start else None
    if value is None and (defaults := given.get("default_args")):
        if not isinstance(defaults.value, dict):
            return None
        value = defaults.value.get("start_date")
    return zone_of_date(value)


def zone_of_date(value: Value) -> str | None:
    """Return the time zone of a start date, None if the source does not tell it.

    A date without a zone is in Airflow's default zone, which is UTC unless it is configured.
    """
    if value is None:
        return "UTC"
    if not isinstance(value, Made):
        return None
    if value.name in (
        "airflow.utils.dates.days_ago",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
    ):
        return "UTC" if not value.call.args or value.last == "days_ago" else None
    if value.name in (
        "datetime.datetime",
        "airflow.utils.timezone.datetime",
        "airflow.sdk.timezone.datetime",
    ):
        return _zone_argument(value, _DATETIME, "tzinfo")
    if value.name in ("pendulum.datetime", "pendulum.today", "pendulum.now"):
        return _zone_argument(value, _PENDULUM if value.last == "datetime" else ("tz",), "tz")
    return None


def _zone_argument(date: Made, names: tuple[str, ...], name: str) -> str | None:
    given = {each.name: each.value for each in arguments(date, names)}
    zone = given.get(name, "UTC")
    if (
        isinstance(zone, Made)
        and zone.last in ("timezone", "Timezone", "ZoneInfo")
        and zone.call.args
    ):
        zone = arguments(zone, ("name",))[0].value
    if not isinstance(zone, str) and getattr(zone, "last", "") in ("utc", "UTC"):
        return "UTC"
    return zone if isinstance(zone, str) and not isinstance(zone, EnvText) else None
