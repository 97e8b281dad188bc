"""A clock that differs, for all processes of one orchestrator: by libfaketime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

NO_OTHER_CLOCK: Mapping[str, str] = {}


def other_clock(seconds: int) -> Mapping[str, str]:
    """Return the variables of processes whose clock is so many seconds ahead, or behind.

    The test is skipped where libfaketime is not installed.
    """
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed (apt-get install faketime)")
    # What measures durations is left alone, as on a machine whose clock is wrong.
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME": f"{seconds:+d}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
