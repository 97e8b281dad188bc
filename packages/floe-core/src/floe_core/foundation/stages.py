"""What this process is doing, for the terminal of whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class StageDisplay(Protocol):
    """Shows the stages of a command."""

    def begin(self, stage: str) -> None:
        """Show a stage in place of the one before."""

    def end(self) -> None:
        """Show no stage, until the next one begins."""


_display: StageDisplay | None = None


def begin_stage(stage: str) -> None:
    """Show what takes time from now on, such as `dbt parses the project`; nothing in a library."""
    if _display is not None:
        _display.begin(stage)


def end_stage() -> None:
    """Show no stage any more: something else is printed, or there is nothing to wait for."""
    if _display is not None:
        _display.end()


@contextmanager
def stages_shown_by(display: StageDisplay) -> Iterator[None]:
    """Show the stages of the block, from any thread of this process."""
    global _display
    before, _display = _display, display
    try:
        yield
    finally:
        display.end()
        _display = before
