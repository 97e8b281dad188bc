"""What is known of a job's runs between them: whether it is failing, and which ends were told."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from floe_core.alerts.events_of_run import OpenFailure
from floe_core.atomic_files import write_together

# Nobody reports the end of a run again after so long.
_KEPT_SECONDS = 90 * 86_400


class JobMemory:
    """Files below the folder of a product's alerts. Only who holds its lock uses them."""

    def __init__(self, folder: Path) -> None:
        self._failing = folder / "failing"
        self._told = folder / "told"

    def open_failure(self, job: str) -> OpenFailure | None:
        """Return the failure that a job is in, None for none; a damaged note says that it is."""
        try:
            node_ids = json.loads(self._note(job).read_text("utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            node_ids = []
        return OpenFailure(frozenset(node_ids if isinstance(node_ids, list) else []))

    def note_failure(self, job: str, failure: OpenFailure | None) -> None:
        """Keep the failure that a job is in."""
        if failure is None:
            self._note(job).unlink(missing_ok=True)
            return
        self._failing.mkdir(parents=True, exist_ok=True)
        text = json.dumps(sorted(failure.node_ids))
        write_together(self._failing, {self._note(job).name: text.encode()})

    def was_told(self, alert_id: str) -> bool:
        """Return whether the end of a run was reported before."""
        return (self._told / alert_id).exists()

    def note_told(self, alert_id: str) -> None:
        """Keep that the end of a run was reported, and forget those of long ago."""
        self._told.mkdir(parents=True, exist_ok=True)
        (self._told / alert_id).touch()
        for path in self._told.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                    path.unlink()

    def _note(self, job: str) -> Path:
        return self._failing / f"{quote(job, safe='')}.json"
