"""Plugins broken in what their runs come to."""

from __future__ import annotations

from paper_orchestrator import PaperPage, PaperPlugin

from floe_core.execution import NodeResult
from floe_core.schemas.nodes import Node


class LeavesASnapshotOut(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_in_which_nothing_fails_does_all"

    def closed(self, page: PaperPage) -> PaperPage:
        done = page.ticked_off - {"orders_history"} if page.is_green else page.ticked_off
        return PaperPage(page.is_green, done)


class SwallowsAFailedModel(PaperPlugin):
    """As one does that looks at tests only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[model]"

    def closed(self, page: PaperPage) -> PaperPage:
        return PaperPage("not_null_stg_orders_id" in page.ticked_off, page.ticked_off)


class SwallowsAFailedTest(PaperPlugin):
    """As one does that looks at models only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[test]"

    def closed(self, page: PaperPage) -> PaperPage:
        return PaperPage("stg_people" in page.ticked_off, page.ticked_off)


class TakesWhatWasSkippedForDone(PaperPlugin):
    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def note(self, result: NodeResult, node: Node, page: PaperPage) -> None:
        if result.status == "skipped":
            page.ticked_off.add(node.name)
        super().note(result, node, page)


class StopsAtTheFirstFailure(PaperPlugin):
    """And leaves undone what has nothing to do with it."""

    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def closed(self, page: PaperPage) -> PaperPage:
        done = page.ticked_off if page.is_green else page.ticked_off & {"raw_orders"}
        return PaperPage(page.is_green, done)
