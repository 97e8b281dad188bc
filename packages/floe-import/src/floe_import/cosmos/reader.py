"""Read a file that uses Cosmos."""

from __future__ import annotations

import ast
from functools import cache, partial

from floe_import.cosmos.assets import asset_user
from floe_import.cosmos.book import BOOK
from floe_import.cosmos.groups import CosmosGroups
from floe_import.cosmos.leftovers import is_cosmos, report_leftovers, uses_cosmos
from floe_import.python.modules import Module
from floe_import.python.objects import LocalFunction, Made
from floe_import.python.values import Symbol, Value
from floe_import.readers import Reading
from floe_import.rules.judging import Judging

# What is unknown about credentials does not decide what a group runs.
HARMLESS = frozenset({"COS201", "COS202", "COS203", "COS003", "COS702"})
_CONFIGURATIONS = ("Config", "ProfileMapping", "Mode", "Behavior")


def read_cosmos(module: Module, read: set[ast.AST]) -> Reading:
    """Return what a file makes with Cosmos; adds what it has read to `read`."""
    groups = CosmosGroups(
        Judging(BOOK, HARMLESS), module.connections, cache(partial(asset_user, module.path))
    )
    groups.read_file(module)
    report_leftovers(module, groups)
    read.update(node for call in groups.read for node in ast.walk(call))
    found = list(groups.judging.found.values())
    return Reading([(made.call, draft) for made, draft in groups.made], found, _goes)


def _goes(value: Value) -> bool:
    """Return whether what nothing reads goes: a name of Cosmos, or one of its configurations.

    So does a function that makes them. A task or group stays without a name as well, since making
    it puts it into its DAG.
    """
    if isinstance(value, LocalFunction):
        return uses_cosmos(value)
    is_object = isinstance(value, Made) and value.last.endswith(_CONFIGURATIONS)
    return is_cosmos(value) and (isinstance(value, Symbol) or is_object)
