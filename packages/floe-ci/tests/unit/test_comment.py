"""The comment of a check, of reports that no build made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from floe_ci.breaking import Break
from floe_ci.markdown import LONGEST, as_markdown
from floe_ci.report import ChangeReport
from floe_core.runs.build_events import NodeResult
from floe_diff import ProductDifference

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = ProductDifference((), (), (), (), (), {}, (NOW, NOW))
REPORT = ChangeReport("shop", "main", "feature", NOTHING, {}, total=4)


def failing(number: int, message: str) -> ChangeReport:
    why = {f"model.shop.m{n}": "its code changed" for n in range(number)}
    results = {i: NodeResult(i, "error", message=message) for i in why}
    return replace(REPORT, why=why, results=results)


def test_a_change_that_reaches_nothing_says_so() -> None:
    assert as_markdown(REPORT) == (
        "## shop: `main` to `feature`\n\n"
        "**The build passed, nothing breaks.**\n\n"
        "| | |\n| --- | --- |\n"
        "| built beside production | 0 of 4 nodes |\n"
        "| read from production | 4 nodes |\n"
        "| did not pass | 0 |\n"
        "| breaking changes | 0 |\n"
        "| tables that differ from production | none compared |\n\n"
        "### Built (0)\n\nNothing that a build makes has changed.\n\n"
        "### What changed in the product\n\nNothing changed.\n"
    )


def test_what_breaks_and_what_failed_comes_first() -> None:
    found = replace(failing(1, "no such column"), breaking=(Break("model.shop.a", "a is gone"),))
    headings = [line for line in as_markdown(found).splitlines() if line.startswith("#")]
    assert headings == [
        "## shop: `main` to `feature`",
        "### Breaking changes (1)",
        "### Did not pass (1)",
        "### Built (1)",
        "### What changed in the product",
    ]


def test_a_message_cannot_leave_its_block() -> None:
    comment = as_markdown(failing(1, "before\n```\n# a heading of its own"))
    assert comment.count("```") == 2


def test_a_long_comment_is_cut_with_no_block_left_open() -> None:
    comment = as_markdown(failing(90, "x\n" * 700))
    assert LONGEST - 2000 < len(comment) <= LONGEST
    assert comment.count("```") % 2 == 0
    assert comment.endswith("`floe ci --json` has all of it.\n")


def test_a_node_that_never_ran_did_not_pass() -> None:
    found = replace(REPORT, why={"model.shop.a": "new"}, problem="dbt could not be started")
    assert not found.has_passed
    assert found.failed == ("model.shop.a",)
    assert "dbt could not be started" in as_markdown(found)
