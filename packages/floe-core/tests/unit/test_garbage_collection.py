"""What the garbage collector looks at meanwhile."""

from __future__ import annotations

import gc
import weakref

from floe_core.garbage_collection import collecting_new_alone


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
