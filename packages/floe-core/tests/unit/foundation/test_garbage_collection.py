"""What the garbage collector looks at meanwhile."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import pytest

from floe_core.foundation.garbage_collection import collecting_new_alone


class Ring:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.other = self


def freed(ring: Ring) -> weakref.ref[Ring]:
    return weakref.ref(ring)


def test_only_what_is_made_meanwhile_is_collected_and_the_rest_afterwards() -> None:
    gc.collect()
    before = Ring()
    old = freed(before)
    with collecting_new_alone():
        del before
        new = freed(Ring())
        gc.collect()
        assert new() is None
        assert old() is not None
    gc.collect()
    assert old() is None
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_keeps_out_stays_out() -> None:
    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with collecting_new_alone():
            pass
        assert gc.get_freeze_count() == count
    finally:
        gc.unfreeze()


AT_EXIT = """
import sys
from floe_core.foundation.garbage_collection import exit_without_collecting

class Ring:
    def __init__(self):
        self.other = self
    def __del__(self, write=sys.stdout.write):
        write("collected")

Ring()
if {is_asked}:
    exit_without_collecting()
"""


@pytest.mark.parametrize("is_asked", [True, False])
def test_a_process_that_asks_for_it_collects_nothing_as_it_exits(is_asked: bool) -> None:
    command = [sys.executable, "-c", AT_EXIT.format(is_asked=is_asked)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == ("" if is_asked else "collected")
