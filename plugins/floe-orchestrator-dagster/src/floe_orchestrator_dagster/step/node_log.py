"""dbt's messages in the log of the step that runs it.

Warnings and errors become events of the run. The rest goes to the step's standard output, which
Dagster stores and shows beside the events: one event per line would cost as much as the node
itself.
"""

from __future__ import annotations

import sys

from dagster import DagsterLogManager

from floe_core.execution import NodeLog


def log_node_line(log: DagsterLogManager, line: NodeLog) -> None:
    """Write one of dbt's messages to the step's log, once."""
    if line.level == "error":
        log.error(line.text)
    elif line.level == "warn":
        log.warning(line.text)
    else:
        print(line.text, file=sys.stdout, flush=True)
