"""The DAG around a task: its schedule, its arguments, and what else uses the task."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from floe_core.schedules import check_timezone, parse_cron
from floe_import.python.arguments import Argument, arguments
from floe_import.python.evaluate import evaluate
from floe_import.python.modules import Module
from floe_import.python.objects import Made
from floe_import.python.values import EnvText, Symbol, Value
from floe_import.report import Verdict, unknown

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


DAG_POSITIONAL = ("dag_id",)


def is_dag(value: Value) -> bool:
    """Return whether a value is a call of Airflow's DAG, or of its decorator."""
    is_airflow = isinstance(value, Made) and value.name.startswith("airflow.")
    return is_airflow and value.last in ("DAG", "dag")


def enclosing_dag(node: ast.AST, module: Module) -> Made | None:
    """Return the call that makes the DAG around a node, None if it is not in sight."""
    return next(filter(is_dag, _around(node, module)), None)


def is_within_dag(node: ast.AST, module: Module) -> bool:
    """Return whether a node is in the block or the function of a DAG, which is then the current."""
    return any(map(is_dag, _blocks_around(node, module)))


def _around(node: ast.AST, module: Module) -> Iterator[Value]:
    if isinstance(node, ast.Call):
        yield from (evaluate(k.value, module) for k in node.keywords if k.arg == "dag")
    yield from _blocks_around(node, module)


def _blocks_around(node: ast.AST, module: Module) -> Iterator[Value]:
    at = module.parents.get(node)
    while at is not None:
        if isinstance(at, ast.With):
            yield from (evaluate(item.context_expr, module) for item in at.items)
        if isinstance(at, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from (_decorated(each, module) for each in at.decorator_list)
        called = module.turn[at].call if at in module.turn else None
        at = called or module.parents.get(at)


def _decorated(node: ast.expr, module: Module) -> Value:
    """Return `@dag` as the call `@dag()`."""
    found = evaluate(node, module)
    if isinstance(found, Symbol):
        return Made(found.name, ast.Call(node, [], []), module)
    return found


def dag_arguments(dag: Made) -> dict[str, Argument]:
    """Return name -> argument of a DAG."""
    return {each.name: each for each in arguments(dag, DAG_POSITIONAL)}


_MAY = frozenset({"set_upstream", "set_downstream"})
# What leads to the tasks of single nodes.
_OF_NODES = frozenset(
    {
        *("tasks_map", "dbt_graph", "filtered_nodes", "children", "tasks", "task_ids", "task_dict"),
        *("get_task", "get_child_by_label", "has_task", "iter_tasks", "partial_subset"),
    }
)


def unfit_uses(made: Made) -> Iterator[tuple[ast.Attribute, Verdict]]:
    """Yield what reads of a task's variable a group of tasks does not have, such as `output`."""
    for node in _attributes_read(made):
        if node.attr not in _MAY:
            yield node, unknown(f"a group of tasks has no `{node.attr}`: decide what reads it")


def uses_of_nodes(made: Made) -> Iterator[tuple[ast.Attribute, Verdict]]:
    """Yield where code takes tasks of single nodes out of the variable of a group or DAG."""
    for node in _attributes_read(made):
        if node.attr in _OF_NODES:
            said = (
                "floe's tasks have other ids and may run several nodes: decide which one is meant"
            )
            yield node, unknown(said)


def _attributes_read(made: Made) -> Iterator[ast.Attribute]:
    """Yield the attributes that a file reads of the variable to which an object is assigned."""
    parent, target = made.module.parents.get(made.call), None
    if isinstance(parent, ast.Assign):
        target = parent.targets[0]
    elif isinstance(parent, ast.withitem):
        target = parent.optional_vars
    if not isinstance(target, ast.Name):
        return
    for node in ast.walk(made.module.tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name) as variable) if name == target.id:
                value = evaluate(variable, made.module)
                if not isinstance(value, Made) or value.call is made.call:
                    yield node
