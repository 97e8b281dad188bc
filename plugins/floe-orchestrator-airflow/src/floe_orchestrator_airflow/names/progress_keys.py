"""The XComs of the build task that report its progress."""

from __future__ import annotations

HEAD = "floe_progress"
# When the current try of the build began, in seconds since 1970.
BEGAN = "floe_began"


def segment_key(attempt: int, number: int) -> str:
    """Return the key of a segment; segments count from 0 in each attempt."""
    return f"{HEAD}_{attempt}_{number}"
