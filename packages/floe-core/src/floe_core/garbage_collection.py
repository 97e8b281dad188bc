"""Keep Python's garbage collector from looking through what is all here to stay."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Do not collect cycles meanwhile.

    For code that builds one large structure: looking through it again and again takes two thirds of
    the time that the artifacts or dbt's manifest of 5,000 models need to load.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def exit_without_collecting() -> None:
    """Keep cycles from being collected as this process exits.

    For a process that has imported dbt or an orchestrator: looking through all of it a last time
    takes 0.4 s, and all of it goes anyway. What is to be done at exit is done before.
    """
    atexit.register(gc.freeze)


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Collect cycles a hundred times less often meanwhile.

    For dbt at work: it makes few cycles, and holds a manifest that each collection looks through.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def collecting_new_alone() -> Iterator[None]:
    """Leave out of all collections meanwhile what is in memory now.

    For a run: the modules, dbt's manifest and the host stay, and a full collection that looks
    through them takes half a second with 300 models. What somebody froze before stays frozen.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
