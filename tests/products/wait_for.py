from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(is_so: Callable[[], bool], seconds: float) -> None:
    """Wait until something is so; an assertion fails when it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.3)
