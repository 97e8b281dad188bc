"""Show on stderr what a command is doing."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import typer

from floe_core.cli.json_log import is_json_log, write_log

if TYPE_CHECKING:
    from rich.status import Status


class StagesOnStderr:
    """Shows a spinner on a terminal, and a line for each stage elsewhere; nothing with `--json`."""

    are_hidden = False

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._status: Status | None = None
        self._latest = ""

    def begin(self, stage: str) -> None:
        """See `StageDisplay`."""
        if is_json_log():
            write_log("stage", "info", stage)
        elif not self.are_hidden:
            with self._turn:
                self._show(stage)

    def end(self) -> None:
        """See `StageDisplay`."""
        with self._turn:
            if self._status is not None:
                self._status.stop()
            self._status, self._latest = None, ""

    def _show(self, stage: str) -> None:
        from rich.markup import escape

        from floe_core.cli.console import stderr

        console, is_new = stderr(), stage != self._latest
        self._latest = stage
        if not console.is_terminal:
            if is_new:
                console.print(stage, style="dim", markup=False, soft_wrap=True)
        elif self._status is None:
            self._status = console.status(escape(stage))
            self._status.start()
        else:
            self._status.update(escape(stage))


def hide_stages(context: typer.Context, as_json: bool) -> bool:
    """Show no stages beside a command's JSON."""
    StagesOnStderr.are_hidden = as_json
    context.call_on_close(partial(setattr, StagesOnStderr, "are_hidden", False))
    return as_json
