"""Give dbt 1 the time that a run is for, by which microbatch models choose their batches.

And the batches that a retry builds. dbt has no option for either: `--event-time-start` and
`--event-time-end` go together, and replace the `lookback` and the `begin` of every model. `dbt
retry` sets both on dbt's task, and so does this.

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
# How dbt names a batch, by its size.
_FORMATS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H"}


@contextmanager
def given(values: Mapping[str, Any]) -> Iterator[bool]:
    """Make dbt's builds take these values, inside the block.

    `moment` is an ISO time, "" for the clock's. `batches` are the names of batches by model, and of
    other models dbt builds those that it chooses. Yields False if this dbt lacks the names.
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
        if values["moment"]:
            self.original_invocation_started_at = datetime.fromisoformat(values["moment"])
        self.batch_map = dict(_batches_of(self, values["batches"]))
        populate(self, selected_uids)

    RunTask.populate_microbatch_batches = populate_given
    try:
        yield True
    finally:
        RunTask.populate_microbatch_batches = populate


def _batches_of(task: Any, batches: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    from dbt.artifacts.schemas.batch_results import BatchResults
    from dbt.materializations.incremental.microbatch import MicrobatchBuilder

    for node_id, names in batches.items():
        node = task.manifest.nodes.get(node_id)
        # Of a table that is built anew, the other batches would be lost, as with `dbt retry`.
        if node is None or _is_built_anew(task, node):
            continue
        size = node.config.batch_size
        moments = [datetime.strptime(name, _FORMATS[size]) for name in names]
        starts = [MicrobatchBuilder.truncate_timestamp(moment, size) for moment in moments]
        failed = [(s, MicrobatchBuilder.offset_timestamp(s, size, 1)) for s in starts]
        yield node_id, BatchResults(failed=failed)


def _is_built_anew(task: Any, node: Any) -> bool:
    own = node.config.full_refresh
    return bool(getattr(task.config.args, "FULL_REFRESH", False) if own is None else own)


# Open until the program ends.
_OF_PROGRAM = ExitStack()
if os.environ.get(FILE_VARIABLE):
    _values = json.loads(Path(os.environ[FILE_VARIABLE]).read_text("utf-8"))
    if _OF_PROGRAM.enter_context(given(_values)):
        print(json.dumps({"info": {"name": TAKEN, "level": "debug"}}), flush=True)
