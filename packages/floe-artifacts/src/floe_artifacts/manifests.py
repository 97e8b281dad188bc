"""The manifest of a run: dbt's own, with the compiled code of all nodes that the run built."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePath

from floe_artifacts.run_files import Json, compiled_path

_TARGET = "target"
_PATHS = ("compiled_path", "build_path", "generated_sql_file")
_FOLDERS = ("compiled", "run", "generic_tests")
_NEVER_COMPILED = ("seed", "analysis", "operation")


def with_compiled_code(manifest: Json, code_of: Callable[[Json], str | None]) -> Json:
    """Return a manifest with the code of nodes that an earlier call of dbt compiled."""
    nodes = (manifest.get("nodes") or {}).items()
    return {**manifest, "nodes": {i: _with_code(node, code_of) for i, node in nodes}}


def _with_code(node: Json, code_of: Callable[[Json], str | None]) -> Json:
    is_known = node.get("compiled") or node["resource_type"] in _NEVER_COMPILED
    code = None if is_known else code_of(node)
    return node if code is None else _compiled(node, {"compiled": True, "compiled_code": code})


def manifest_of_run(manifest: Json, results: Json) -> Json:
    """Return a manifest as one call of dbt for the whole run would have written it.

    dbt writes compiled code for the nodes of a call, and each segment of a run is a call. Paths of
    compiled files are below `target`, dbt's usual folder, whatever folder the run had.
    """
    nodes = dict(manifest.get("nodes") or {})
    known = {row["unique_id"]: row for row in results["results"] if row.get("compiled")}
    for node_id in known.keys() & nodes.keys():
        if not nodes[node_id].get("compiled"):
            nodes[node_id] = _compiled(nodes[node_id], known[node_id])
    nodes = {node_id: _with_usual_paths(node) for node_id, node in nodes.items()}
    return {**manifest, "metadata": _metadata(manifest, results), "nodes": nodes}


def _compiled(node: Json, row: Json) -> Json:
    names = ("compiled", "compiled_code", "relation_name")
    return {
        **node,
        **{name: row[name] for name in names if row.get(name) is not None},
        "compiled_path": f"{_TARGET}/compiled/{compiled_path(node)}",
    }


def _with_usual_paths(node: Json) -> Json:
    changed = {name: _usual(node[name]) for name in _PATHS if node.get(name)}
    return {**node, **changed} if changed else node


def _usual(path: str) -> str:
    """Return the path of a file below dbt's folder, with the name that this folder usually has.

    >>> _usual("/srv/shop/.floe/runs/1/attempt-1/compiled/shop/models/orders.sql")
    'target/compiled/shop/models/orders.sql'
    """
    parts = PurePath(path).parts
    kind = next((i for i, part in enumerate(parts) if part in _FOLDERS and i), None)
    is_of_run = kind is not None and _is_attempt(parts[:kind])
    return str(PurePath(_TARGET, *parts[kind:])) if is_of_run else path


def _is_attempt(parts: Iterable[str]) -> bool:
    return [*parts][-1].startswith("attempt-")


def _metadata(manifest: Json, results: Json) -> Json:
    """Return the metadata, with the times and the id of the run's call of dbt."""
    names = ("generated_at", "invocation_id", "invocation_started_at")
    of_run = {name: results["metadata"][name] for name in names if results["metadata"].get(name)}
    known = manifest.get("metadata") or {}
    return {**known, **{n: v for n, v in of_run.items() if n in known or n != names[2]}}
