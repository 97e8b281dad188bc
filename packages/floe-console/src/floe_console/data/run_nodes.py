"""The nodes of a run: from floe's own records if they can be read, or from its orchestrator."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from floe_core.alerts.alert import first_error_line
from floe_core.execution.record.journal import read_events
from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.plugin_api.run_history import NodesOfRun, RecordedNode, RecordedRun, RunHistory
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult, NodeStarted
from floe_core.runs.product_redactor import redactor_of
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.storage.files import file_in, read_regular
from floe_core.storage.state_folder import run_place

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class RunNodes:
    """The nodes of a run that are known, and where they were read. `unknown` says why none is."""

    nodes: tuple[RecordedNode, ...] = ()
    problem: str = ""
    source: str = ""
    unknown: str = ""

    @property
    def by_id(self) -> dict[str, RecordedNode]:
        """Node id -> node."""
        return {node.unique_id: node for node in self.nodes}


def nodes_of(
    product: CompiledArtifacts, run: RecordedRun, history: RunHistory | None, seconds: float
) -> RunNodes:
    """Return the nodes of a run, without secrets."""
    found = _from_records(product, run)
    if found is None and history is not None:
        found = _from_orchestrator(product, run, history, seconds)
    if found is None:
        return RunNodes(unknown="neither floe's records nor the orchestrator can be read here")
    redactor = redactor_of(product)
    nodes = tuple(
        RecordedNode(n.unique_id, n.state, n.seconds, redactor.text(n.message), n.rows)
        for n in found.nodes
    )
    return RunNodes(nodes, redactor.text(found.problem), found.source, found.unknown)


def reason_of(product: CompiledArtifacts, found: RunNodes) -> str:
    """Return why a run failed in one line: the first node that failed, or the run's own problem."""
    failed = [each for each in found.nodes if each.state in ("error", "fail")]
    if not failed:
        return found.problem.partition("\n")[0][:_LONGEST]
    first = failed[0]
    node = product.by_id.get(first.unique_id)
    line = first_error_line(NodeResult(first.unique_id, "error", message=first.message))
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return f"{node.label if node else first.unique_id}: {line[:_LONGEST]}{more}"


def compiled_sql(product: CompiledArtifacts, run: RecordedRun, node: Node) -> tuple[str, str]:
    """Return the SQL that a run compiled a node to, without secrets, and why there is none."""
    if product.project_dir is None:
        return "", "the product is not published in a folder, so its compiled SQL is elsewhere"
    for build_id in reversed(run.build_ids):
        attempts = run_place(product.project_dir, build_id).glob("attempt-*/compiled")
        for folder in sorted(attempts, key=lambda path: path.stat().st_mtime_ns, reverse=True):
            with suppress(OSError, FloeError):
                if path := _file_of(folder, node):
                    return redactor_of(product).text(read_regular(path)), ""
    return "", "this run's records, with the SQL that dbt compiled, are not on this machine"


def _file_of(folder: Path, node: Node) -> Path | None:
    """Return the file of a node in a folder of dbt's; a generic test has one of its name."""
    if own := file_in(folder, node.package, node.path):
        return own
    ends = (node.package, f"{node.name}.sql")
    found = ((path, path.relative_to(folder).parts) for path in folder.rglob("*.sql"))
    return next((path for path, parts in found if (parts[0], parts[-1]) == ends), None)


def glob_safe(name: str) -> str:
    """Return a name as a pattern that matches only itself.

    >>> glob_safe("a[1]*")
    'a[[]1][*]'
    """
    return "".join(f"[{each}]" if each in "*?[" else each for each in name)


def _from_records(product: CompiledArtifacts, run: RecordedRun) -> RunNodes | None:
    if product.project_dir is None:
        return None
    with suppress(OSError, FloeError):
        events = [*_events(product.project_dir, run.build_ids)]
        if events:
            nodes, problem = _nodes_in(events)
            if run.is_over:
                nodes = [_broken_off(each) for each in nodes]
            return RunNodes(tuple(nodes), problem, "floe's records")
    return None


def _events(folder: Path, build_ids: Iterable[str]) -> Iterator[BuildEvent]:
    for build_id in build_ids:
        yield from read_events(folder, build_id)
        # Dagster makes several steps of some products, each with records of its own.
        place = run_place(folder, build_id)
        for part in sorted(place.parent.glob(f"{glob_safe(place.name)}.*")):
            if not part.name.removeprefix(f"{place.name}.").isdecimal():
                yield from read_events(folder, part.name)


def _nodes_in(events: Iterable[BuildEvent]) -> tuple[list[RecordedNode], str]:
    found: dict[str, RecordedNode] = {}
    problem = ""
    for event in events:
        if isinstance(event, NodeStarted):
            found[event.unique_id] = RecordedNode(event.unique_id, "running")
        elif isinstance(event, NodeResult):
            found[event.unique_id] = RecordedNode(
                event.unique_id, event.status, event.seconds, event.message, event.rows
            )
        elif isinstance(event, BuildEnded):
            problem = event.message
    return list(found.values()), problem


def _broken_off(node: RecordedNode) -> RecordedNode:
    if node.state != "running":
        return node
    return RecordedNode(node.unique_id, "error", message="it started but did not finish")


def _from_orchestrator(
    product: CompiledArtifacts, run: RecordedRun, history: RunHistory, seconds: float
) -> RunNodes:
    try:
        found: NodesOfRun = history.nodes_of_run(product, run, seconds)
    except EnvironmentProblemError as error:
        return RunNodes(unknown=str(error))
    return RunNodes(found.nodes, found.problem, "the orchestrator")
