from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from floe_console.data.run_book import RunBook, Search
from floe_core.plugin_api.run_history import RecordedRun

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(number: int, product: str = "shop", **changes: object) -> RecordedRun:
    moment = START + timedelta(hours=number)
    found = RecordedRun(product, product, f"run-{number}", "success", moment, moment, moment)
    return replace(found, **changes)  # type: ignore[arg-type]


def ids(book: RunBook, **wanted: object) -> list[str]:
    found, count = book.search(Search(**wanted), 100)  # type: ignore[arg-type]
    assert count == len(found)
    return [each.run.run_id for each in found]


def filled() -> RunBook:
    book = RunBook()
    book.add("dagster", [run(1), run(2, state="failed"), run(3, "sales")])
    book.add("airflow", [run(4, "billing", state="running", ended_at=None)])
    return book


def test_runs_of_all_places_are_in_one_list_newest_first() -> None:
    assert ids(filled()) == ["run-4", "run-3", "run-2", "run-1"]


def test_a_search_matches_all_of_its_fields() -> None:
    book = filled()
    assert ids(book, product="shop") == ["run-2", "run-1"]
    assert ids(book, state="failed") == ["run-2"]
    assert ids(book, place="airflow") == ["run-4"]
    assert ids(book, text="SHOP failed") == ["run-2"]
    assert ids(book, text="run-3") == ["run-3"]
    assert ids(book, since=START + timedelta(hours=3)) == ["run-4", "run-3"]
    assert ids(book, until=START + timedelta(hours=3)) == ["run-2", "run-1"]
    assert ids(book, text="shop", state="running") == []


def test_a_page_of_a_search_has_the_count_of_all() -> None:
    found, count = filled().search(Search(), 2, 1)
    assert ([each.run.run_id for each in found], count) == (["run-3", "run-2"], 4)


def test_a_later_state_replaces_the_earlier_and_is_news() -> None:
    book = filled()
    assert not book.add("dagster", [run(1)])
    assert book.add("airflow", [run(4, "billing", state="failed")])
    assert ids(book, product="billing", state="running") == []
    assert book.under_way("airflow") == []


def test_two_jobs_may_have_runs_of_one_id() -> None:
    book = RunBook()
    book.add("airflow", [run(1), run(1, job="hourly"), run(1, "sales")])
    assert len(book.all) == 3


def test_the_oldest_runs_leave_first() -> None:
    book = RunBook(most=3)
    book.add("dagster", [run(number) for number in range(10)])
    assert ids(book) == ["run-9", "run-8", "run-7"]
    assert len(book.of_product("shop")) == 3
