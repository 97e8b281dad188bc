"""Write dbt's artifacts faster: Python's JSON encoder is slower in parts than all at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, TextIO

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def json_at_once() -> Iterator[None]:
    """Make dbt encode the whole text of a JSON file before writing it, inside the block."""
    try:
        from dbt_common.clients import system
        from dbt_common.clients.system import write_json
    except ImportError:
        yield
        return
    if not are_known(write_json):
        yield
        return
    with replaced(system, "json", SimpleNamespace(load=json.load, dump=_dump)):
        yield


def _dump(data: Any, file: TextIO, cls: type[json.JSONEncoder]) -> None:
    file.write(json.dumps(data, cls=cls))
