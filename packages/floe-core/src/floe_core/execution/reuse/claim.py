"""Record in the reuse store that a build is under way, and its results once it is over."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Mapping

from floe_core.execution.reuse.planned_build import PlannedBuild, subject_of
from floe_core.foundation.child_processes import is_running
from floe_core.reuse.state import ActiveBuild, Entry, State
from floe_core.reuse.state_store import StateStore
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.warehouse.duckdb_file import duckdb_file

# A build on another machine that has not ended by then is considered dead.
LONGEST_BUILD_SECONDS = 86_400.0


def begin(store: StateStore, planned: PlannedBuild, todo: tuple[str, ...]) -> None:
    """Remove the entries of these nodes before a build changes them, whatever its outcome.

    Raises:
        EnvironmentProblemError: The store cannot be written.
    """
    artifacts, token = planned.situation.artifacts, planned.situation.token
    own = ActiveBuild(socket.gethostname(), os.getpid(), time.time(), todo)
    subject = subject_of(artifacts)
    # If a lock admits only one build at a time, any other recorded build has died.
    is_alone = duckdb_file(artifacts.dbt.profile, artifacts.folder) is not None

    def add_build(state: State) -> State:
        state = state.of_subject(subject)
        over = [name for name, each in state.active.items() if is_alone or _is_over(each)]
        return state.without(over).with_build(token, own)

    store.change(add_build)


def release(store: StateStore, planned: PlannedBuild) -> None:
    """Record that a build is no longer under way."""
    store.change(lambda state: state.without([planned.situation.token]))


def remember(
    store: StateStore,
    planned: PlannedBuild,
    entries: Mapping[str, Entry],
    doubtful: Collection[str],
) -> None:
    """Record that a build is over, and its results.

    Nodes that other builds built meanwhile are left out, and so are their readers.
    """
    artifacts, token = planned.situation.artifacts, planned.situation.token
    subject = planned.situation.state.subject

    def end(state: State) -> State:
        if state.subject != subject or token not in state.active:
            return state
        touched = set(state.active[token].touched)
        kept = {i: e for i, e in entries.items() if not _reads_any(artifacts, i, touched)}
        return state.with_entries(kept, doubtful).without([token])

    store.change(end)


def _reads_any(artifacts: CompiledArtifacts, node_id: str, touched: set[str]) -> bool:
    return bool(touched) and not touched.isdisjoint({node_id, *artifacts.graph.above([node_id])})


def _is_over(build: ActiveBuild) -> bool:
    """Return whether a build has ended without recording it."""
    if build.host != socket.gethostname():
        return time.time() - build.since > LONGEST_BUILD_SECONDS
    return not is_running(build.pid)
