"""A build whose process ends before the build does, as one that is killed."""

from __future__ import annotations

import os

from floe_core.execution.reports.open_build import OpenBuild
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.spooling.spool import Spool, read_json

_KILLED = 9


def begin_and_die(artifacts: CompiledArtifacts, request: BuildRequest) -> None:
    """Begin a build of a product in another process, which ends at once."""
    child = os.fork()
    if child == 0:
        OpenBuild(artifacts, request).begin()
        os._exit(_KILLED)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _KILLED


def waiting_lineage(artifacts: CompiledArtifacts) -> list[tuple[str, str]]:
    """Return the job and the type of each lineage event that waits."""
    events = [read_json(path) for path in Spool(artifacts.folder).list_waiting()]
    return [(event["job"]["name"], event["eventType"]) for event in events]
