"""Let a flow run go on when the process that reads its output is gone.

The process that serves reads the output of its flow runs through a pipe. If it is killed, the next
message breaks the pipe, and Rich, which Prefect prints with, ends the process: a build that had
succeeded would be reported as crashed.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from functools import partial

from prefect.runtime import flow_run
from rich.console import Console

_STDOUT_AND_STDERR = (1, 2)


def outlive_reader() -> None:
    """Drop what this process prints once nobody reads it; nothing is changed outside a flow run."""
    if flow_run.id:
        for console in _consoles():
            console.on_broken_pipe = partial(_drop_output, console)  # type: ignore[method-assign]


def _consoles() -> Iterator[Console]:
    known = [logging.root, *logging.root.manager.loggerDict.values()]
    for logger in known:
        for handler in getattr(logger, "handlers", ()):
            console = getattr(handler, "console", None)
            if isinstance(console, Console):
                yield console


def _drop_output(console: Console) -> None:
    console.quiet = True
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in _STDOUT_AND_STDERR:
        os.dup2(nowhere, stream)
    os.close(nowhere)
