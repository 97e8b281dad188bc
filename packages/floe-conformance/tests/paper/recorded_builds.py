"""dbt builds for paper plugins: what many of them build alike is built once, and copied."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from floe_core.execution import BuildEvent, BuildRequest, NodeStarted, build
from floe_core.lineage import flush
from floe_core.runs.build_request import NodeSlots
from floe_core.schemas.compiled_artifacts import CompiledArtifacts


@dataclass(frozen=True)
class _Recorded:
    events: list[BuildEvent]
    folder: Path


_BUILDS: dict[tuple[str, BuildRequest], _Recorded] = {}


def recorded_build(artifacts: CompiledArtifacts, request: BuildRequest) -> list[BuildEvent]:
    """Build, or do to this folder what the same build did to another; return its events."""
    return _recorded(artifacts, request, lambda: list(build(artifacts, request)))


def recorded_pooled_build(
    artifacts: CompiledArtifacts, request: BuildRequest, slots: NodeSlots
) -> list[BuildEvent]:
    """Build with slots of a pool, or do what the same did, which takes none."""
    return _recorded(artifacts, request, lambda: list(build(artifacts, request, slots)))


def recorded_canceled_build(
    artifacts: CompiledArtifacts, request: BuildRequest, it_hangs: Callable[[], bool]
) -> list[BuildEvent]:
    """Build and cancel that once it hangs, or do what the same did; return the events up to then."""

    def canceled() -> list[BuildEvent]:
        events, building = [], build(artifacts, request)
        for event in building:
            events.append(event)
            if isinstance(event, NodeStarted) and event.unique_id.endswith(".stg_people"):
                break
        while not it_hangs():
            time.sleep(0.1)
        building.close()
        return events

    return _recorded(artifacts, request, canceled)


def _recorded(
    artifacts: CompiledArtifacts, request: BuildRequest, make: Callable[[], list[BuildEvent]]
) -> list[BuildEvent]:
    folder = artifacts.project_dir
    assert folder is not None
    key = (artifacts.model_dump_json(), request)
    if key in _BUILDS:
        shutil.copytree(_BUILDS[key].folder, folder, dirs_exist_ok=True)
    else:
        events = make()
        flush(folder, artifacts.lineage, 60.0)
        copy = Path(tempfile.mkdtemp()) / "product"
        _BUILDS[key] = _Recorded(events, shutil.copytree(folder, copy))
    return _BUILDS[key].events
