"""Send events while a run goes on: `python -m floe_core.lineage.sending.drainer_process`.

This is a separate process, because sending costs Python time that a thread would take from the run.
The parent sends lines to its standard input: first the settings, then "finish". When the parent is
gone, it completes the event that it is sending and ends; waiting events stay on disk.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from floe_core.lineage.sending.event_channel import event_drainer
from floe_core.schemas.policies import LineageSettings
from floe_core.secrets.recognition import known_secrets
from floe_core.secrets.redactor import Redactor
from floe_core.storage.spooling.sending_process import serve
from floe_core.storage.spooling.spool import Spool


def main() -> int:
    """Drain until the parent requests the end. Returns 0 if nothing waits."""
    start = json.loads(sys.stdin.readline())
    project_dir = Path(start["project_dir"])
    spool = Spool(project_dir)
    try:
        settings = LineageSettings.model_validate(start["settings"])
        return serve({spool: event_drainer(project_dir, spool, settings)})
    except Exception as error:
        # Nothing reads this process's output: its errors are recorded in the status.
        redactor = Redactor(known_secrets().values())
        spool.note_failure(redactor.text(f"sending failed: {type(error).__name__}: {error}"))
        raise


if __name__ == "__main__":
    sys.exit(main())
