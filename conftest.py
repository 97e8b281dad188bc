"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dbt_common.tests import enable_test_caching
from hypothesis import HealthCheck, settings
from parts_of_tests import is_in_part, part_of

from floe_core.dbt.lighter_dbt import direct_flag_sources

# How long an example takes says how busy the machine is, and nothing about the code. A gate tries
# the same examples each time; `pytest --hypothesis-profile=explore` tries others.
HASTE = HealthCheck.too_slow
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HASTE])
settings.register_profile("explore", deadline=None, suppress_health_check=[HASTE])
settings.load_profile("gate")

# As dbt's own tests do: what it parses of its 640 macros is kept for the next project of a process.
enable_test_caching()

# What plain dbt is asked in these processes, it answers in half the time: dbt looks for the module
# of a flag among all that is imported, once for each frame of a worker that has no file.
FLAG_SOURCES = direct_flag_sources()
FLAG_SOURCES.__enter__()

# What a script starts in the background ignores ^C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

BEGUN = time.monotonic()
# What tests of more than a second took, in seconds, of this run and earlier ones.
DURATIONS = Path(__file__).parent / "build" / "durations.tsv"

# Other tests have the `timeout` of pyproject.toml.
SECONDS_OF_SLOW_TESTS = 1200
# Folders whose tests run dbt, an orchestrator or a program for real.
REAL = ("integration", "e2e")
# Checks of the kit that take the longest, on each orchestrator: `make test` leaves them out.
LONG_CHECKS = frozenset(
    {
        "test_a_bad_service_is_reported_in_ten_seconds",
        "test_pools_of_a_bad_service_are_an_error",
        "test_runs_of_a_bad_service_are_an_error",
        "test_a_missed_deadline_is_reported_once",
        "test_a_partition_that_fails_fails_the_run_and_stops_no_other",
        "test_a_run_in_which_nothing_fails_alerts_nobody",
        "test_a_run_of_the_whole_job_meets_its_deadline",
        "test_a_run_that_a_retry_saved_warns_once",
        "test_a_run_that_names_none_builds_the_last_that_is_over",
        "test_a_run_that_reads_no_rows_meets_no_deadline",
        "test_a_stale_source_that_is_only_reported_holds_back_nothing",
        "test_a_step_that_fails_fails_the_run_and_stops_what_follows",
        "test_a_tick_that_passed_during_the_move_is_built_late",
        "test_flags_and_vars_of_a_run_reach_dbt",
        "test_the_pages_of_a_served_product_respond",
        "test_what_fails_at_its_first_try_is_tried_again",
    }
)
# The longest first, so that no process is left with them at the end while the others have none:
# files of minutes, then folders.
LONGEST_FIRST = (
    "test_planted_faults_of_runs.py",
    "test_commands_in_the_docs.py",
    "test_alerts_of_running_orchestrators.py",
    "test_the_same_everywhere.py",
    "test_ports_on_a_running_dagster.py",
    "conformance",
    "one_airflow",
    "test_planted_faults.py",
    "test_ports.py",
    "test_command_line.py",
    "test_environments.py",
    "e2e",
    "integration",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Don't import files of long tests where those are not asked for: each process does it."""
    if collection_path.suffix != ".py" or "not long" not in config.option.markexpr:
        return None
    if not set(REAL) & set(_folders(collection_path)):
        return None
    return True if "mark.quick" not in collection_path.read_text("utf-8") else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give the tests that share a server to one process."""
    if config.option.dist != "loadfile":
        return None
    from files_and_servers import FilesAndServers

    return FilesAndServers(config, log)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once which test failed, and note what each took: a run that is ended says neither."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    if report.duration > 1:
        DURATIONS.parent.mkdir(exist_ok=True)
        with DURATIONS.open("a") as file:
            file.write(f"{report.duration:.1f}\t{report.when}\t{report.nodeid}\n")
    if report.failed:
        causes = [line for line in str(report.longrepr).splitlines() if line.startswith("E ")]
        sys.stderr.write(
            f"\nFAILED {report.nodeid}, {report.when} of {report.duration:.0f} s, "
            f"at {time.monotonic() - BEGUN:.0f} s: {''.join(causes[:1])}\n"
        )
        sys.stderr.flush()


@pytest.fixture(autouse=True)
def stay_in_the_folder() -> Iterator[None]:
    """Fail a test that leaves its process in another folder, where the ones after it would fail."""
    before = Path.cwd()
    yield
    try:
        after = str(Path.cwd())
    except FileNotFoundError:
        after = "a folder that is gone"
    if after != str(before):
        os.chdir(before)
        pytest.fail(f"the test left its process in {after}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--part`, for CI."""
    parser.addoption("--part", help="of the long tests, only this part, such as 2/4")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests that run things for real to `make test-all`, but for those that are quick.

    Slow tests have more time.
    """
    for item in items:
        if _is_long(item):
            item.add_marker(pytest.mark.long)
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SECONDS_OF_SLOW_TESTS))
    if part := config.getoption("--part"):
        _leave_out_other_parts(config, items, part_of(part))
    items.sort(key=_rank)


def _is_long(item: pytest.Item) -> bool:
    folders = set(_folders(item.path))
    if "conformance" in folders:
        return getattr(item, "originalname", "") in LONG_CHECKS
    return bool(set(REAL) & folders) and item.get_closest_marker("quick") is None


def _leave_out_other_parts(
    config: pytest.Config, items: list[pytest.Item], part: tuple[int, int]
) -> None:
    root = Path(__file__).parent
    others = [
        item
        for item in items
        if item.get_closest_marker("long") and not is_in_part(item.path.relative_to(root), part)
    ]
    left_out = set(others)
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=others)


def _rank(item: pytest.Item) -> int:
    folders = set(_folders(item.path))
    return next((i for i, each in enumerate(LONGEST_FIRST) if each in folders), len(LONGEST_FIRST))


def _folders(path: Path) -> tuple[str, ...]:
    root = Path(__file__).parent
    return path.relative_to(root).parts if path.is_relative_to(root) else ()
