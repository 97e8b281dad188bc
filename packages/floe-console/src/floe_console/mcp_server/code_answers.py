"""What the tools answer about a product's code: plans, changes, and columns."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

from floe_console.mcp_server.folders import Folders, ask_child
from floe_console.mcp_server.marked import Untrusted, all_untrusted, untrusted
from floe_core.foundation.errors import UsageError

MOST_NODES = 200


class CodeAnswers:
    """The answers about the code of the platform's products."""

    def __init__(self, folders: Folders, manifest: Path) -> None:
        self._folders = folders
        self._manifest = manifest

    def what_would_run(self, product: str, job: str = "") -> dict[str, Any]:
        """Return the plan of the next run, those nodes first that it would build."""
        found = ask_child("what_would_run", folder=self._folder(product), job=job)
        nodes = sorted(found.pop("nodes").items(), key=lambda each: each[1]["action"] != "build")
        shown = [
            {
                "node": node_id,
                "action": each["action"],
                "why": untrusted(each["why"]),
                "last_seconds": each["seconds"],
                "code_change": untrusted(each["diff"]),
            }
            for node_id, each in nodes[:MOST_NODES]
        ]
        problem = untrusted(str(found.pop("problem") or ""))
        return {
            **found,
            "problem": problem,
            "nodes": shown,
            "nodes_not_shown": len(nodes[MOST_NODES:]),
        }

    def what_does_this_change_break(self, product: str) -> dict[str, Any]:
        """Return what the code in a product's folder changes against what is published."""
        found = ask_child(
            "what_does_this_change_break",
            folder=self._folder(product),
            manifest=self._manifest,
            product=product,
        )
        return {
            "different": found.pop("different"),
            "broken": found.pop("broken"),
            "difference": all_untrusted(found),
        }

    def column_lineage(self, product: str, table: str, column: str) -> dict[str, Any]:
        """Return where a column comes from, step by step, and which columns come from it."""
        found = ask_child("column_lineage", folder=self._folder(product))
        tables = {each["id"]: each for each in found["tables"]}
        start = _find(tables, table, column)
        up = {
            (each["id"], c["name"]): [(o["id"], o["column"]) for o in c["from"]]
            for each in tables.values()
            for c in each["columns"]
        }
        down: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for target, origins in up.items():
            for origin in origins:
                down.setdefault(origin, []).append(target)
        return {
            "column": _named(start),
            "from_runs": found["run_ids"],
            "comes_from": _reach(start, up),
            "feeds": _reach(start, down),
            "rows_depend_on": [_named((e["id"], e["column"])) for e in tables[start[0]]["rows"]],
        }

    def _folder(self, product: str) -> Path:
        return self._folders.of(product)


Column = tuple[str, str]


def _find(tables: dict[str, Any], table: str, column: str) -> Column:
    among = [each for each in tables.values() if table in (each["id"], each["label"])]
    if not among:
        names = ", ".join(sorted(each["label"] for each in tables.values()))
        raise UsageError(f"there is no table '{table}'; there are: {names}")
    for each in among[0]["columns"]:
        if each["name"].lower() == column.lower():
            return among[0]["id"], each["name"]
    names = ", ".join(each["name"] for each in among[0]["columns"]) or "none known before a run"
    raise UsageError(f"'{table}' has no column '{column}'; it has: {names}")


def _reach(start: Column, edges: dict[Column, list[Column]]) -> list[dict[str, Untrusted]]:
    """Return all that can be reached, the nearest first, each with what it was reached from."""
    found: dict[Column, Column] = {}
    waiting = deque([start])
    while waiting:
        at = waiting.popleft()
        for each in edges.get(at, ()):
            if each not in found and each != start:
                found[each] = at
                waiting.append(each)
    return [{"column": _named(each), "through": _named(before)} for each, before in found.items()]


def _named(column: Column) -> Untrusted:
    return untrusted(f"{column[0]}.{column[1]}")
