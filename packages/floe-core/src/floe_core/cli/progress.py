"""Show the stages of a compile in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.cli.console import stderr
from floe_core.cli.json_log import is_json_log, write_log


@contextmanager
def show_stages() -> Iterator[Callable[[str], None]]:
    """Show a spinner; the yielded function sets its stage. Shows nothing in a pipe."""
    if is_json_log():
        yield lambda stage: write_log("stage", "info", stage)
        return
    console = stderr()
    if not console.is_terminal:
        yield lambda stage: None
        return
    with console.status("reading the product") as status:
        yield lambda stage: status.update(stage)
