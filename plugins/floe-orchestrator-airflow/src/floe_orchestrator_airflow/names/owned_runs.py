"""The ids of runs for ticks of a job that several orchestrators have."""

from __future__ import annotations

_MARK = "__epoch-"


def owned_run_id(run_id: str, epoch: int) -> str:
    """Return the id of a run that has to claim its tick.

    >>> owned_run_id("scheduled__2026-11-30T06:00:00+00:00", 2)
    'scheduled__2026-11-30T06:00:00+00:00__epoch-2'
    """
    return f"{run_id}{_MARK}{epoch}"


def has_to_claim(run_id: str) -> bool:
    """Return whether the run of an id has to claim its tick."""
    return _MARK in run_id
