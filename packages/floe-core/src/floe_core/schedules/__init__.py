"""Schedules: one cron dialect and one set of ticks for every orchestrator."""

from floe_core.schedules.cron_expression import CronExpression
from floe_core.schedules.dialect import parse_cron
from floe_core.schedules.ticks import is_tick, latest_tick, next_tick, ticks_between
from floe_core.schedules.zones import check_timezone, tzdata_version

__all__ = [
    "CronExpression",
    "check_timezone",
    "is_tick",
    "latest_tick",
    "next_tick",
    "parse_cron",
    "ticks_between",
    "tzdata_version",
]
