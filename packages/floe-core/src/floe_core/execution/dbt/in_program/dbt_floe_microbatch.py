"""Give dbt 1 the time that a run is for, by which microbatch models choose their batches.

dbt has no option for it: `--event-time-start` and `--event-time-end` go together, and replace the
`lookback` and the `begin` of every model. `dbt retry` sets it on dbt's task, and so does this.

A dbt program imports every module named `dbt_...` as a plugin. floe puts this folder on its
PYTHONPATH, so nothing of floe can be imported here, and the program may be of any version.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

FILE_VARIABLE = "FLOE_MICROBATCH"
# The name of the message in dbt's log that says that the program takes the time.
TAKEN = "FloeMicrobatch"


@contextmanager
def given(values: Mapping[str, Any]) -> Iterator[bool]:
    """Make dbt's builds take these values, inside the block.

    `moment` is an ISO time. Yields False if this dbt lacks the names that it takes.
    """
    try:
        from dbt.task.run import RunTask
    except ImportError:
        yield False
        return
    populate = getattr(RunTask, "populate_microbatch_batches", None)
    if populate is None:
        yield False
        return

    def populate_given(self: Any, selected_uids: Any) -> None:
        if values.get("moment"):
            self.original_invocation_started_at = datetime.fromisoformat(values["moment"])
        populate(self, selected_uids)

    RunTask.populate_microbatch_batches = populate_given
    try:
        yield True
    finally:
        RunTask.populate_microbatch_batches = populate


# Open until the program ends.
_OF_PROGRAM = ExitStack()
if os.environ.get(FILE_VARIABLE):
    _values = json.loads(Path(os.environ[FILE_VARIABLE]).read_text("utf-8"))
    if _OF_PROGRAM.enter_context(given(_values)):
        print(json.dumps({"info": {"name": TAKEN, "level": "debug"}}), flush=True)
