"""All the savings of this package in one context manager."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from floe_core.dbt.lighter_dbt.contexts import lighter_contexts
from floe_core.dbt.lighter_dbt.events import fewer_events
from floe_core.dbt.lighter_dbt.graphs import faster_links, indexed_names
from floe_core.dbt.lighter_dbt.json_files import json_at_once
from floe_core.dbt.lighter_dbt.relations import indexed_relations, one_empty_table


@contextmanager
def lighter_dbt(
    callbacks: Collection[Callable[[Any], None]], wanted: Collection[str]
) -> Iterator[None]:
    """Make dbt cheaper inside the block; one block at a time in a process.

    `callbacks` are those passed to dbt, and `wanted` the names of the debug events that they read.
    """
    with (
        fewer_events(callbacks, wanted),
        indexed_relations(),
        lighter_contexts(),
        one_empty_table(),
        faster_links(),
        indexed_names(),
        json_at_once(),
    ):
        yield
