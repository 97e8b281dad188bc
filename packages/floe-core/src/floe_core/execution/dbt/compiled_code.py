"""Have dbt compile the nodes of a build before the build."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Generator, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from floe_core.build_events import BuildEvent
from floe_core.build_request import BuildRequest
from floe_core.execution.dbt.invocation import Invocation, invocation
from floe_core.execution.dbt.run import DbtEnded
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
    is_whole = len(wanted) == len(every)
    call = invocation(artifacts, request, artifacts.folder, wanted, is_whole, command="compile")
    # To leave out a node, dbt must know it.
    if all(node_id in steady for node_id in wanted) and "--exclude" not in call.arguments:
        call = replace(call, compiles="steady")
    with closing(run_dbt(artifacts, call)) as events:
        for _ in events:
            pass
    return codes_in(call.target) if wanted else {}


def codes_in(target: Path) -> dict[str, str]:
    """Return node id -> compiled code according to dbt's files; empty if there are none.

    dbt 1 writes it to the results of a run, dbt 2 only to the manifest.
    """
    results = _read(target / "run_results.json").get("results")
    listed = results if isinstance(results, list) else []
    codes = {each.get("unique_id"): each.get("compiled_code") for each in listed}
    if not any(isinstance(code, str) for code in codes.values()):
        nodes = _read(target / "manifest.json").get("nodes") or {}
        codes = {i: each.get("compiled_code") for i, each in nodes.items() if each.get("compiled")}
    return {str(i): code for i, code in codes.items() if isinstance(code, str)}


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
