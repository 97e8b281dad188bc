"""Find DAG files that Airflow has read but has no DAGs of, which only its output says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Written by the dag-processor of Airflow 3.3. Without these lines `floe run` waits, as it does for
# any component that makes no progress.
_REFUSED = re.compile(
    r"Failed to persist parsing result for (?P<file>\S+).*\n"
    r"(?P<trace>Traceback .*\n(?:[ ]+.*\n)*\S.*)"
)
# A row of its table of files: bundle, file, PID and time of a process that reads it now, DAGs,
# errors, seconds of the last one, and when that ended, in UTC.
_READ = re.compile(
    r"^\S+ +(?P<file>\S+) +(?:\d+ +[\d.]+s +)?\d+ +(?P<errors>\d+) +(?P<seconds>[\d.]+)s +"
    r"(?P<ended>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\s*$",
    re.MULTILINE,
)
# SQLite may be locked for a moment; Airflow tries again.
_PASSES = re.compile(r"OperationalError.* locked")


def output_since(output: Path, since: int) -> str:
    """Return Airflow's output from this byte on."""
    with output.open("rb") as lines:
        lines.seek(since)
        return lines.read().decode(errors="replace")


def why_unstored(text: str, file: str) -> str:
    """Return the traceback of storing a DAG file, as Airflow's output has it.

    It is "" if there is none, or only one of a busy database.
    """
    lasting = [trace for trace in _refused(text, file) if not _passes(trace)]
    return lasting[-1] if lasting else ""


def why_absent(text: str, file: str, changed_at: datetime) -> str:
    """Return why there may be no DAG of a file that Airflow began to read after a moment.

    It is "" if Airflow has not read it yet, or could not store it because of a busy database.
    """
    if any(map(_passes, _refused(text, file))):
        return ""
    for found in reversed([each for each in _READ.finditer(text) if each["file"] == file]):
        ended = datetime.fromisoformat(found["ended"]).replace(tzinfo=UTC)
        if ended - timedelta(seconds=float(found["seconds"])) > changed_at:
            took = f"the process that read it ended after {found['seconds']} s, without a result"
            skipped = "a policy in airflow_local_settings.py skips it"
            return took if int(found["errors"]) else skipped
    return ""


def _refused(text: str, file: str) -> list[str]:
    return [each["trace"] for each in _REFUSED.finditer(text) if each["file"] == file]


def _passes(trace: str) -> bool:
    return _PASSES.search(trace.splitlines()[-1]) is not None
