"""Whether a process of this machine runs."""

from __future__ import annotations

import os


def is_running(process_id: int) -> bool:
    """Return whether there is a process with this id, whoever's it is."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
