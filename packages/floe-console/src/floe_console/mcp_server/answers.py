"""What the tools answer about products and runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from floe_console.data.as_data import platform_as_data, run_as_data
from floe_console.data.detail import FAILED, node_detail, run_detail
from floe_console.data.refresh import Platform
from floe_console.data.run_book import ListedRun, Search
from floe_console.mcp_server.marked import untrusted
from floe_core.foundation.errors import UsageError

# How old an answer may be, and how long orchestrators may take to give a new one.
FRESH_SECONDS = 5.0
LOOK_SECONDS = 10.0
MOST = 100
# How many failed nodes of a run are explained.
MOST_EXPLAINED = 5


class Answers:
    """The answers about a platform, read anew if they are old."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._looking = threading.Lock()
        self._looked_at = -FRESH_SECONDS

    def products(self, text: str = "", status: str = "") -> dict[str, Any]:
        """Return the products that match, each in a few fields."""
        self._look()
        data = platform_as_data(self.platform)
        words = text.lower().split()
        found = [
            _short(each)
            for each in data["products"]
            if status in ("", each["status"]) and all(word in _searched(each) for word in words)
        ]
        places = [
            {k: each[k] for k in ("name", "orchestrator", "read_at")}
            | {"problem": untrusted(each["problem"])}
            for each in data["places"]
        ]
        return {"platform": data["platform"], "at": data["at"], "places": places, "products": found}

    def runs(
        self,
        product: str = "",
        state: str = "",
        text: str = "",
        hours: float = 168,
        limit: int = 20,
    ) -> dict[str, Any]:
        """Return runs of the last hours, newest first."""
        self._look()
        since = datetime.now(UTC) - timedelta(hours=min(max(hours, 0), 24 * 366))
        wanted = Search(text=text, product=product, state=state, since=since)
        found, count = self.platform.book.search(wanted, min(max(limit, 1), MOST))
        return {
            "count": count,
            "not_read": self._unread(),
            "runs": [run_as_data(each) for each in found],
        }

    def why_did_this_fail(self, product: str, run_id: str = "") -> dict[str, Any]:
        """Return why a run failed: its failed nodes with message, SQL, causes, who is affected."""
        self._look()
        listed = self._failed_run(product, run_id)
        found = run_detail(self.platform, listed)
        failed = [each for each in found["nodes"] if each["state"] in FAILED]
        explained = [
            _explained(detail)
            for each in failed[:MOST_EXPLAINED]
            if (detail := node_detail(self.platform, listed, each["unique_id"]))
        ]
        return {
            "run": run_as_data(listed),
            "problem": untrusted(found["problem"]),
            "nodes_unknown": untrusted(found["unknown"]),
            "counts": _counts(found["nodes"]),
            "failed_nodes": explained,
            "failed_nodes_not_shown": [e["unique_id"] for e in failed[MOST_EXPLAINED:]],
            "affected_products": [
                {**each, "owner": untrusted(each["owner"])} for each in found["affected"]
            ],
            "upstream_products_that_failed": found["upstream_failures"],
        }

    def _failed_run(self, product: str, run_id: str) -> ListedRun:
        runs = self.platform.book.of_product(product)
        if product not in self.platform.known.artifacts:
            known = ", ".join(sorted(self.platform.known.artifacts)) or "none"
            raise UsageError(f"there is no published product '{product}'; there are: {known}")
        failed = [each for each in runs if each.run.state == "failed"]
        chosen = [each for each in runs if each.run.run_id == run_id] if run_id else failed
        if not chosen:
            which = f"run '{run_id}'" if run_id else "failed run"
            raise UsageError(f"no {which} of '{product}' is known; not read: {self._unread()}")
        return chosen[0]

    def _unread(self) -> list[dict[str, Any]]:
        return [
            {"place": name, "problem": untrusted(state.problem)}
            for name, state in self.platform.places.items()
            if state.problem
        ]

    def _look(self) -> None:
        with self._looking:
            if time.monotonic() - self._looked_at >= FRESH_SECONDS:
                self.platform.look(LOOK_SECONDS)
                self._looked_at = time.monotonic()


def _searched(product: Mapping[str, Any]) -> str:
    fields = ("name", "orchestrator", "owner", "description", "status")
    return " ".join(str(product[each]) for each in fields).lower()


def _short(product: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "orchestrator", "version", "place", "status", "late", "reads")
    lineage = product["lineage"]
    return {
        **{name: product[name] for name in kept},
        "lineage": {k: untrusted(v) if isinstance(v, str) else v for k, v in lineage.items()},
        "why": untrusted(product["why"]),
        "owner": untrusted(product["owner"]),
        "description": untrusted(product["description"]),
        "offers": [
            {"port": each["port"], "read_by": each["consumers"]} for each in product["ports"]
        ],
        "jobs": [
            {
                k: each[k]
                for k in ("name", "schedule", "next_tick", "is_paused", "waiting_for", "stale")
            }
            for each in product["jobs"]
        ],
        "running": [
            {k: each[k] for k in ("run_id", "job", "started_at", "progress")}
            for each in product["running"]
        ],
        "last_run": next(iter(product["last_runs"]), None),
    }


def _explained(detail: Mapping[str, Any]) -> dict[str, Any]:
    node = detail["node"]
    kept = ("unique_id", "type", "state", "seconds")
    return {
        **{name: node[name] for name in kept},
        "file": untrusted(detail["path"]),
        "message": untrusted(node["message"]),
        "compiled_sql": untrusted(detail["sql"]),
        "compiled_sql_unknown": untrusted(detail["sql_unknown"]),
        "caused_by": [each["unique_id"] for each in detail["causes"]],
        "downstream": [each["unique_id"] for each in detail["downstream"]],
    }


def _counts(nodes: list[dict[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in nodes:
        counts[each["state"]] = counts.get(each["state"], 0) + 1
    return counts
