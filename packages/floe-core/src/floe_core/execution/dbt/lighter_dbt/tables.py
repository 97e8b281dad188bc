"""Give each statement that returns no rows the same empty table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.execution.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def one_empty_table() -> Iterator[None]:
    """Have dbt make its empty table once, inside the block.

    agate's tables never change. To make one, agate compiles the regular expressions of all dates
    that it could hold: for ten statements a model, a twentieth of the run.
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
