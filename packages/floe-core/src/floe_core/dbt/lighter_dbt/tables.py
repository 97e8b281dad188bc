"""Let all statements that return no rows share one empty table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def one_empty_table() -> Iterator[None]:
    """Make dbt create its empty table only once, inside the block.

    agate's tables are immutable. To create one, agate compiles the regular expressions of all date
    formats that it could hold: with ten statements per model, a twentieth of the run.
    """
    try:
        from dbt_common.clients import agate_helper
        from dbt_common.clients.agate_helper import empty_table
    except ImportError:
        yield
        return
    if not are_known(empty_table):
        yield
        return
    make: Callable[[], Any] = empty_table
    table = make()
    with replaced(agate_helper, "empty_table", lambda: table):
        yield
