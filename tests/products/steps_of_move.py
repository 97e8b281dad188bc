"""The steps of `floe migrate apply`, so that a test can let time pass between them."""

from __future__ import annotations

from collections.abc import Iterator

from floe_migrate.moving.mover import Mover


def steps(mover: Mover) -> Iterator[None]:
    """Do what `apply_move` does, a step at a time."""
    mover.begin()
    yield
    mover.check_source()
    mover.check_target()
    mover.announce()
    yield
    while mover.hand_over():
        yield
    mover.require_moved()
    mover.follow()
