"""Have dbt compile the nodes of a build before the build."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from floe_core.dbt.call import DbtEnded
from floe_core.dbt.invocation import Invocation, invocation
from floe_core.dbt.selection import needs_selection
from floe_core.runs.build_events import BuildEvent
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RunDbt = Callable[[CompiledArtifacts, Invocation], Generator[BuildEvent | DbtEnded, None, None]]
_COMPILED = ("model", "test", "snapshot", "function")


def compile_nodes(
    artifacts: CompiledArtifacts,
    request: BuildRequest,
    node_ids: Iterable[str],
    run_dbt: RunDbt,
    steady: Container[str] = (),
) -> dict[str, str]:
    """Return node id -> compiled SQL or Python, for the nodes that dbt can compile.

    `steady` are the nodes whose Jinja reads only refs, sources and macros.
    """
    every = {n.unique_id for n in artifacts.built if n.resource_type in _COMPILED}
    wanted = tuple(node_id for node_id in node_ids if node_id in every)
    is_selected = needs_selection(artifacts, wanted, every)
    call = invocation(artifacts, request, wanted, "compile", is_selected=is_selected)
    # To leave out a node, dbt must know it.
    if all(node_id in steady for node_id in wanted) and "--exclude" not in call.call.arguments:
        call = replace(call, compiles="steady")
    with closing(run_dbt(artifacts, call)) as events:
        for _ in events:
            pass
    return codes_in(call.target) if wanted else {}


def codes_in(target: Path) -> dict[str, str]:
    """Return node id -> compiled code according to dbt's files; empty if there are none.

    dbt 1 writes it to the results of a run, dbt 2 only to the manifest.
    """
    try:
        results = json.loads((target / "run_results.json").read_text("utf-8"))["results"]
        codes = {each["unique_id"]: each.get("compiled_code") for each in results}
        if not any(codes.values()):
            nodes = json.loads((target / "manifest.json").read_text("utf-8"))["nodes"]
            codes = {i: n.get("compiled_code") for i, n in nodes.items() if n.get("compiled")}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {node_id: code for node_id, code in codes.items() if isinstance(code, str)}
