"""Record the states of partitions while a build runs, so that a killed one has recorded them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.partitions.statuses import Record, RecordStatus, codes_of
from floe_core.partitions.store import store_of
from floe_core.runs.build_events import BuildEvent, NodeLog, PartitionResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

SECONDS_BETWEEN_WRITES = 1.0
_log = logging.getLogger(__name__)


class PartitionsOfBuild:
    """Writes what is done or failed to the store, at most a second later, and once a second.

    A skipped partition stays as it was. What the store does not take is kept for the next time. If
    it takes nothing until the end, the build warns, and does not fail.
    """

    def __init__(self, artifacts: CompiledArtifacts, request: BuildRequest) -> None:
        self._artifacts = artifacts
        self._request = request
        self._records: dict[str, dict[str, Record]] = {}
        self._is_kept, self._is_written = threading.Lock(), threading.Lock()
        self._timer: threading.Timer | None = None
        self._written_at = time.monotonic()
        # Tables without rows are not what the partitions have.
        self._is_on = artifacts.partitions is not None and not request.parameters.empty

    @cached_property
    def _codes(self) -> dict[str, str]:
        declaration = self._artifacts.partitions
        return codes_of(self._artifacts, declaration.node_ids if declaration else ())

    def receive(self, event: BuildEvent) -> None:
        """Keep the result of a partition, and have it written even if no other event follows."""
        if self._is_on and isinstance(event, PartitionResult) and event.status != "skipped":
            with self._is_kept:
                self._records.setdefault(event.unique_id, {})[event.key] = self._record(event)
            self._write_soon()

    def conclude(self) -> Iterator[NodeLog]:
        """Write what is left, and yield a warning if it cannot be written."""
        problem = self._write()
        if problem:
            _log.warning(problem)
            yield NodeLog("", "warn", problem, is_from_floe=True)

    def _write(self) -> str:
        """Write what has been kept; return why not, "" for success."""
        with self._is_written:
            with self._is_kept:
                records, self._records, self._timer = self._records, {}, None
            declaration = self._artifacts.partitions
            self._written_at = time.monotonic()
            if not records or declaration is None:
                return ""
            try:
                store_of(self._artifacts).write(declaration, records)
            except EnvironmentProblemError as error:
                with self._is_kept:
                    for node_id, later in self._records.items():
                        records.setdefault(node_id, {}).update(later)
                    self._records = records
                return f"the states of partitions are not recorded: {error}"
        return ""

    def _write_soon(self) -> None:
        """Start a timer, unless one is running: a node may take hours, and end in a kill."""
        with self._is_kept:
            if self._timer is not None:
                return
            due = self._written_at + SECONDS_BETWEEN_WRITES - time.monotonic()
            self._timer = threading.Timer(max(0.0, due), self._write)
            self._timer.daemon = True
            self._timer.start()

    def _record(self, event: PartitionResult) -> Record:
        status: RecordStatus = "done" if event.passed else "failed"
        now = datetime.now(UTC)
        return Record(
            status,
            self._request.run_id,
            self._request.attempt,
            self._codes[event.unique_id],
            (event.started_at or now).timestamp(),
            (event.ended_at or now).timestamp(),
            event.rows,
        )
