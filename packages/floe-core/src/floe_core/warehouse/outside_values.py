"""Set the values that a profile takes from a connection of the orchestrator, or from files.

The profile refers to each by an environment variable. It is set in the process of a run only, and
read again by each run, so that a rotated password needs no new compile.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint
from typing import Any

from floe_core.foundation.entry_points import installed_points, named_failure
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.runs.build_request import ReadConnection
from floe_core.schemas.policies import CONNECTION, OPTIONAL, DbtProject
from floe_core.secrets.references import referenced_names, value_of, without_value

GROUP = "floe.connections"

# Variable -> the value that was set here. A variable that somebody else sets is an override.
_set_here: dict[str, str] = {}


def set_outside_values(
    dbt: DbtProject, read: ReadConnection | None = None, *, again: bool = False
) -> None:
    """Set the variables of a profile whose values are outside of the environment.

    `read` reads a connection; without it, the entry point of the orchestrator does. Values that are
    set already are read `again` only if asked for.

    Raises:
        EnvironmentProblemError: A value is not there; it names all of them.
    """
    values: dict[str, str] = {}
    problems: list[str] = []
    connections: dict[str, dict[str, str]] = {}
    for variable, source in _to_set(dbt, again=again):
        if source.startswith(CONNECTION):
            name, _, field = source.removeprefix(CONNECTION).partition("#")
            connections.setdefault(name, {})[field] = variable
        elif not (value := value_of(source)):
            problems.append(without_value(source))
        else:
            values[variable] = value
    for name, variables in connections.items():
        try:
            fields = (read or _installed_reader(dbt.connection_reader))(name, dbt.adapter)
        except LookupError as error:
            problems.append(f"connection '{name}': {error.args[0]}")
            continue
        problems += _lacking(name, dbt.adapter, fields, variables)
        for field, variable in variables.items():
            value = fields.get(field.removesuffix(OPTIONAL))
            # Empty: the connection may have had the field in the run before.
            values[variable] = "" if value is None else str(value)
    if problems:
        raise EnvironmentProblemError("; ".join(problems))
    _set_here.update(values)
    os.environ.update(values)


def _lacking(
    name: str, adapter: str, fields: Mapping[str, Any], needed: Iterable[str]
) -> Iterator[str]:
    required = (field for field in needed if not field.endswith(OPTIONAL))
    missing = [field for field in required if fields.get(field) in (None, "")]
    if missing:
        known = ", ".join(sorted(fields)) or "nothing"
        yield f"connection '{name}' has no {', '.join(missing)} for {adapter}; it has {known}"


def _to_set(dbt: DbtProject, *, again: bool) -> Iterator[tuple[str, str]]:
    """Yield (variable, source) for those that the profile uses and that are not set."""
    for variable in dict.fromkeys(referenced_names(dbt.profile) if dbt.value_sources else ()):
        source = dbt.value_sources.get(variable)
        present = os.environ.get(variable)
        is_ours = present is None or (again and present == _set_here.get(variable))
        if source is not None and is_ours:
            yield variable, source


def _installed_reader(name: str) -> ReadConnection:
    point: EntryPoint | None = installed_points(GROUP).get(name)
    if point is None:
        raise LookupError(f"{name} has no connections that floe can read (no {GROUP} '{name}')")
    with named_failure(f"{GROUP} '{name}'"):
        reader: ReadConnection = point.load()
    return reader
