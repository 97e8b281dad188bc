"""The process that sends alerts: `python -m floe_core.alerts.sender_process`.

The parent sends lines to its standard input: first the targets, then "finish". After that, it tries
each target once more, even if the parent is gone: there may be no other sender for a day.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from floe_core.alerts.alert_channel import AlertChannel
from floe_core.alerts.alert_store import Target
from floe_core.storage.spooling.draining import Drainer
from floe_core.storage.spooling.sending_process import serve


def main() -> int:
    """Send until the parent requests the end. Returns 0 if nothing waits."""
    start = json.loads(sys.stdin.readline())
    folder = Path(start["project_dir"])
    targets = [Target(name, (), start["environment"]) for name in start["variables"]]
    spools = {target.variable: target.spool(folder) for target in targets}
    drainers = {spool: Drainer(spool, AlertChannel(name)) for name, spool in spools.items()}
    return serve(drainers, finishes_alone=True)


if __name__ == "__main__":
    sys.exit(main())
