"""Report how dbt's graph in a run differs from the compiled one.

The vars of a run can enable and disable nodes, and so can environment variables: dbt then parses
the project again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Generator, Iterator
from contextlib import closing
from pathlib import Path

from floe_core.dbt.call import DbtEnded
from floe_core.dbt.invocation import Invocation
from floe_core.runs.build_events import BuildEvent, NodeLog, NodeResult
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# Sections of dbt's manifest with what a run builds or measures.
_SECTIONS = ("nodes", "sources", "unit_tests", "functions")
_KINDS = frozenset({"model", "seed", "snapshot", "test", "unit_test", "function"})
MAX_NAMED = 10

Events = Generator[BuildEvent | DbtEnded, None, None]


def with_graph_of_run(
    events: Events, artifacts: CompiledArtifacts, request: BuildRequest, call: Invocation
) -> Events:
    """Yield the events, and before the end what differs in dbt's graph.

    A node that dbt does not have is skipped, and does not fail the run. A node that only dbt has
    is named in a warning.
    """
    cause = "the vars" if request.parameters.vars else "the environment variables"
    left, others = set(call.node_ids), dict[str, str]()
    with closing(events):
        for event in events:
            if isinstance(event, NodeResult):
                left.discard(event.unique_id)
                if _kind(event.unique_id) in _KINDS and event.unique_id not in artifacts.by_id:
                    others[event.unique_id] = event.status
            elif isinstance(event, DbtEnded) and not event.problem:
                built = left & {node.unique_id for node in artifacts.built}
                # Only those of disabled sources are without a result.
                unmeasured = {i for i in left if artifacts.by_id[i].is_freshness}
                gone = sorted({*nodes_not_in(call.target, built), *unmeasured})
                yield from _report_disabled(gone, f"{cause} of this run")
                yield from _report_enabled(others, f"{cause} of this run")
            yield event


def nodes_not_in(target: Path, node_ids: Collection[str]) -> frozenset[str]:
    """Return which of these nodes and sources dbt does not have in the manifest of a run.

    A test of a disabled model stays among the nodes of dbt 1, but is not enabled.
    """
    path = target / "manifest.json"
    if not node_ids or not path.is_file():
        return frozenset()
    manifest = json.loads(path.read_bytes())
    found = {i: node for name in _SECTIONS for i, node in (manifest.get(name) or {}).items()}
    enabled = {i for i, node in found.items() if (node.get("config") or {}).get("enabled", True)}
    return frozenset(node_ids) - enabled


def _report_disabled(node_ids: list[str], cause: str) -> Iterator[BuildEvent]:
    why = f"disabled by {cause}"
    if node_ids:
        yield NodeLog("", "warn", f"{why}: {_join_names(node_ids)}", is_from_floe=True)
    for node_id in node_ids:
        yield NodeResult(node_id, "skipped", message=why, is_disabled=True)


def _report_enabled(statuses: dict[str, str], cause: str) -> Iterator[BuildEvent]:
    if statuses:
        nodes = _join_names(
            [f"{node_id} ({status})" for node_id, status in sorted(statuses.items())]
        )
        lack = "dbt ran them, but the compiled graph does not have them"
        yield NodeLog("", "warn", f"enabled by {cause}: {nodes}; {lack}", is_from_floe=True)


def _join_names(names: list[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return f"{', '.join(names[:MAX_NAMED])}{more}"


def _kind(node_id: str) -> str:
    return node_id.partition(".")[0]
