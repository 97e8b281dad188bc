"""Find DAG files that Airflow has read but could not store, which only its output says."""

from __future__ import annotations

import re
from pathlib import Path

# Written by the dag-processor of Airflow 3.3. Without it `floe run` waits, as it does for any
# component that makes no progress.
_REFUSED = re.compile(
    r"Failed to persist parsing result for (?P<file>\S+).*\n"
    r"(?P<trace>Traceback .*\n(?:[ ]+.*\n)*\S.*)"
)
# SQLite may be locked for a moment; Airflow tries again.
_PASSES = "OperationalError"


def why_unstored(output: Path, since: int, file: str) -> str:
    """Return the traceback of storing a DAG file, from this byte of Airflow's output on.

    It is "" if there is none, or only one of a busy database.
    """
    with output.open("rb") as lines:
        lines.seek(since)
        text = lines.read().decode(errors="replace")
    found = [each["trace"] for each in _REFUSED.finditer(text) if each["file"] == file]
    lasting = [trace for trace in found if _PASSES not in trace.splitlines()[-1]]
    return lasting[-1] if lasting else ""
