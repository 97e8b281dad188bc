"""Keep which failed runs neither the disk nor a receiver took, for the next run to report.

Each is the name of an empty file beside the notes of open builds: a full disk has room for it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import quote, unquote

from floe_core.alerts.run_outcome import RunOutcome
from floe_core.alerts.target import folder_of
from floe_core.foundation.errors import FloeError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.state_folder import place_below, state_folder

_SUFFIX = ".unreported"

_log = logging.getLogger("floe.alerts")


def open_builds_in(state: Path, artifacts: CompiledArtifacts) -> Path:
    """Return the folder of what the next run has to report. See `place_below`."""
    return place_below(state, f"{folder_of(artifacts.environment)}/open")


def keep_unreported(artifacts: CompiledArtifacts, outcome: RunOutcome) -> None:
    """Keep the job and the id of a run that failed; log an error if that is not possible."""
    name = f"{quote(outcome.job, safe='')} {quote(outcome.run_id, safe=' :+')}{_SUFFIX}"
    try:
        folder = open_builds_in(state_folder(artifacts.folder), artifacts)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    except (OSError, FloeError) as error:
        _log.error("the failure of run %r is lost: %s", outcome.run_id, type(error).__name__)


def find_unreported(folder: Path) -> list[tuple[Path, str, str]]:
    """Return the file, the job and the run id of each, oldest first."""
    found = []
    for path in sorted(folder.glob(f"* *{_SUFFIX}"), key=lambda each: each.lstat().st_mtime_ns):
        job, run_id = path.name.removesuffix(_SUFFIX).split(" ", 1)
        found.append((path, unquote(job), unquote(run_id)))
    return found
