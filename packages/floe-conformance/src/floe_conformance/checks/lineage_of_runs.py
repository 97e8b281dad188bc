"""Checks of the lineage that a run emits, as written by the manifest's backend."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MadeRuns, MakeRun

Event = dict[str, Any]


class RunLineageChecks(MadeRuns):
    """Each node is emitted once, from START to its end, with a run of the product as parent.

    Skipped if `run` is not implemented.
    """

    @pytest.mark.parametrize("what", kit_product.EXPECTED_EVENTS)
    def test_a_run_reports_each_node_once_and_how_it_ended(self, what: str, ran: MakeRun) -> None:
        """COMPLETE, FAIL, or ABORT if it was skipped, after a START of the same run."""
        reported = list(_runs(ran(what).events(kit_product.NAME)))
        assert sorted(reported) == [
            (job, "START", end) for job, end in sorted(kit_product.EXPECTED_EVENTS[what].items())
        ]


def _runs(events: Sequence[Event]) -> Iterator[tuple[str, ...]]:
    """Yield each run's job and event types, and `alone` if its parent is not among the runs."""
    runs: dict[str, list[Event]] = {}
    for event in events:
        runs.setdefault(event["run"]["runId"], []).append(event)
    for of_run in runs.values():
        job = of_run[0]["job"]["name"]
        is_below = job == kit_product.NAME or _parents(of_run) <= set(runs)
        types = [event["eventType"] for event in of_run]
        yield (job, *types) if is_below else (job, *types, "alone")


def _parents(events: Sequence[Event]) -> set[str]:
    """Return the runs that these events name as parent; "" stands for no parent."""
    facets = [event["run"].get("facets", {}).get("parent", {}) for event in events]
    return {facet.get("run", {}).get("runId", "") for facet in facets}
