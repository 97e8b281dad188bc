"""The parses that dbt made for an earlier command, if a package keeps them."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

# An entry point: a function of the product's folder that returns a context for its compile.
GROUP = "floe.kept_parses"


def kept_parses(product: Path) -> AbstractContextManager[None]:
    """Let a compile in place, in the block, parse only what has changed since the last one."""
    from floe_core.foundation.entry_points import installed_points

    point = installed_points(GROUP).get("dev")
    return point.load()(product.absolute()) if point is not None else nullcontext()
