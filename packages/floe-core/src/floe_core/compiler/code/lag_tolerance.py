"""How old the inputs of a reused node may be: `meta.floe.reuse.lagTolerance`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from floe_core.schemas.frozen import YamlModel

_SPAN = re.compile(r"(\d{1,6})\s*(s|m|h|d|second|minute|hour|day)s?")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_span(text: object) -> int:
    """Return the seconds of a span of time.

    >>> parse_span("1 h"), parse_span("90 minutes"), parse_span("2d")
    (3600, 5400, 172800)

    Raises:
        ValueError: It is not a span of time, or it is zero.
    """
    found = _SPAN.fullmatch(str(text).strip())
    if found is None or int(found[1]) == 0:
        raise ValueError("write a number and a unit, such as 30 minutes, 1 h or 2 days")
    return int(found[1]) * _SECONDS[found[2][0]]


class LagToleranceSpec(YamlModel):
    """A node is reused as long as its inputs have been new for less than this, in seconds."""

    lag_tolerance: Annotated[int, BeforeValidator(parse_span)]
