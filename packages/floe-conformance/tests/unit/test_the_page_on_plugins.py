"""What docs/write-a-plugin.md shows works as it stands there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pytest_of_its_own import install, outcomes_of

PAGE = (Path(__file__).parents[4] / "docs/write-a-plugin.md").read_text("utf-8")


def block(language: str) -> str:
    """Return the one block of that language."""
    [found] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.mark.long
def test_the_tests_of_the_page_pass_with_its_entry_point(tmp_path: Path) -> None:
    declared = tomllib.loads(block("toml"))
    install(tmp_path, declared["project"]["entry-points"]["floe.orchestrators"])
    tests = tmp_path / "test_conformance.py"
    tests.write_text(block("python"))
    [(name, of_checks)] = outcomes_of(tests, tmp_path).items()
    skipped = {
        check.partition("[")[0] for check, became in of_checks.items() if became == "skipped"
    }
    assert (name, set(of_checks.values())) == ("PaperConformance", {"passed", "skipped"})
    assert skipped == {
        "test_only_a_schedule_with_catchup_runs_every_tick",
        "test_transforms_keep_their_order_and_dependencies",
        "test_a_run_in_which_nothing_fails_does_all",
        "test_a_run_in_which_something_fails_has_failed",
        "test_a_failure_stops_what_follows_it_and_nothing_else",
        "test_a_run_builds_what_its_parameters_select",
        "test_flags_and_vars_of_a_run_reach_dbt",
        "test_a_tick_of_a_job_of_another_orchestrator_builds_nothing",
        "test_a_tick_that_passed_during_the_move_is_built_late",
        "test_a_tick_that_another_run_has_claimed_builds_nothing",
        "test_a_run_builds_the_partitions_that_it_names",
        "test_the_update_of_a_port_names_its_partitions",
        "test_a_run_that_names_none_builds_the_last_that_is_over",
        "test_a_partition_that_fails_fails_the_run_and_stops_no_other",
        "test_steps_run_before_and_after_what_dbt_builds",
        "test_a_step_that_fails_fails_the_run_and_stops_what_follows",
        "test_a_run_without_news_builds_nothing_and_is_green",
        "test_what_a_step_wrote_anew_is_built_and_all_that_reads_it",
        "test_what_fails_at_its_first_try_is_tried_again",
        "test_a_retry_builds_nothing_that_had_passed",
        "test_a_run_reports_each_node_once_and_how_it_ended",
        "test_a_run_that_is_canceled_is_not_green",
        "test_a_run_that_is_canceled_leaves_no_process",
        "test_a_run_that_is_canceled_is_reported_as_aborted",
        "test_the_pages_of_a_served_product_respond",
        "test_a_served_product_is_built_when_it_runs",
        "test_nothing_of_a_served_product_is_left",
        "test_a_green_run_updates_what_it_offers",
        "test_a_failed_run_updates_nothing",
        "test_a_stale_source_holds_back_what_reads_it",
        "test_a_stale_source_that_is_only_reported_holds_back_nothing",
        "test_a_run_of_the_whole_job_meets_its_deadline",
        "test_a_run_that_reads_no_rows_meets_no_deadline",
        "test_a_missed_deadline_is_reported_once",
        "test_nodes_of_a_pool_of_one_slot_run_one_at_a_time",
        "test_a_node_in_no_pool_does_not_wait",
        "test_no_slot_is_taken_after_a_run",
        "test_a_failed_run_alerts_once",
        "test_a_run_that_a_retry_saved_warns_once",
        "test_a_run_in_which_nothing_fails_alerts_nobody",
    }
