"""What is asked of the events of an emitter. Every answer comes from the events alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from lineage_product import BROKEN, FAILING, MODEL, PASSING, SKIPPED, TRUE_COLUMNS
from lineage_recorder import Event

YES, NO = "yes", "no"
Question = Callable[[list[Event]], str]
# A test is told as a job of its own, as one of all tests of its model, or not as a job.
TESTS = {
    PASSING: (PASSING, r"stg_orders\.(build\.)?test", "stg_orders__checks"),
    FAILING: (FAILING, r"revenue\.(build\.)?test", "revenue__checks"),
}


def about(events: list[Event], *names: str) -> list[Event]:
    """Return the events whose job is named after one of the names, statements of jobs left out."""
    jobs = [each for each in events if not re.search(r"\.sql\.\d+$", each["job"]["name"])]
    for name in names:
        found = [e for e in jobs if re.search(rf"(^|[./]){name}($|[./_])", e["job"]["name"])]
        found = [e for e in found if is_of_test(name) or not is_of_test(e["job"]["name"])]
        if found:
            return found
    return []


def is_of_test(name: str) -> bool:
    """Return whether a job, or a pattern of jobs, is of tests."""
    return name in TESTS or bool(re.search(r"\btest\b|test$|__checks$", name))


def ends(*names: str) -> Question:
    """Ask which events a node has, in order."""

    def answer(events: list[Event]) -> str:
        kinds = dict.fromkeys(event["eventType"] for event in about(events, *names))
        return " ".join(kinds) or "nothing"

    return answer


def name_of_table(events: list[Event]) -> str:
    """Return how the model's table is called, wherever an event has it."""
    found = {
        f"`{each['namespace']}` `{each['name']}`"
        for event in events
        for each in _datasets(event)
        if re.search(rf"(^|\.|/){MODEL}$", each["name"])
    }
    return "; ".join(sorted(found)) or NO


def job_of_model(events: list[Event]) -> str:
    """Return the name of the model's job."""
    found = {f"`{e['job']['namespace']}` `{e['job']['name']}`" for e in about(events, MODEL)}
    return "; ".join(sorted(found)) or NO


def inputs_of_model(events: list[Event]) -> str:
    """Return whether the model's end names what it read."""
    read = {each["name"] for e in _ends_of(events, MODEL) for each in e.get("inputs", [])}
    return YES if any(name.endswith("stg_orders") for name in read) else NO


def rows_of(name: str) -> Question:
    """Ask for the number of rows written."""

    def answer(events: list[Event]) -> str:
        facets = [
            (each.get("outputFacets") or {}).get("outputStatistics", {})
            for event in _ends_of(events, name)
            for each in event.get("outputs", [])
        ]
        return YES if any("rowCount" in facet for facet in facets) else NO

    return answer


def types_of_columns(events: list[Event]) -> str:
    """Return how many of the model's columns are told with a type."""
    facets = [_facet(each, "schema") for each in _tables_made(events)]
    typed = {
        f["name"].lower() for facet in facets for f in facet.get("fields", []) if f.get("type")
    }
    return f"{len(typed & set(TRUE_COLUMNS))} of {len(TRUE_COLUMNS)}"


def origins_of_columns(events: list[Event]) -> str:
    """Return for how many of the model's columns just the true origins are told."""
    told = {
        column.lower(): {
            (each["name"].rpartition(".")[2].rpartition("/")[2], each["field"])
            for each in origin["inputFields"]
            if not _only_decides(each)
        }
        for table in _tables_made(events)
        for column, origin in _facet(table, "columnLineage").get("fields", {}).items()
    }
    right = [column for column, truth in TRUE_COLUMNS.items() if told.get(column) == truth]
    wrong = [column for column in told if column in TRUE_COLUMNS and column not in right]
    return f"{len(right)} of {len(TRUE_COLUMNS)}" + (f", {len(wrong)} wrong" if wrong else "")


def verdict(kind: str, *, success: bool) -> Question:
    """Ask whether a test's verdict is told of the data it tested."""

    def answer(events: list[Event]) -> str:
        found = [a for a in _assertions(events) if kind in f"{a['assertion']} {a.get('name', '')}"]
        return YES if any(each["success"] is success for each in found) else NO

    return answer


def reason_of_failure(name: str, word: str) -> Question:
    """Ask for an error message that says why."""

    def answer(events: list[Event]) -> str:
        messages = [
            event["run"]["facets"]["errorMessage"]["message"]
            for event in about(events, *TESTS.get(name, (name,)))
            if "errorMessage" in event["run"].get("facets", {})
        ]
        if not messages:
            return NO
        return YES if any(word in message for message in messages) else "without the reason"

    return answer


def nominal_time(events: list[Event]) -> str:
    """Return whether runs have one."""
    return _share(events, "nominalTime")


def sql_of_model(events: list[Event]) -> str:
    """Return whether the model's job has its SQL."""
    found = any("sql" in event["job"].get("facets", {}) for event in about(events, MODEL))
    return YES if found else NO


def run_of_its_own(events: list[Event]) -> str:
    """Return whether a node's events are one run, which is no other node's."""
    one = {event["run"]["runId"] for event in about(events, MODEL)}
    other = {event["run"]["runId"] for event in about(events, "stg_orders")}
    if not one or not other:
        return NO
    return YES if len(one) == len(other) == 1 and not one & other else "one for all nodes"


def parent(events: list[Event]) -> str:
    """Return whether the model's run names the one above."""
    found = [event["run"].get("facets", {}).get("parent") for event in about(events, MODEL)]
    return YES if found and all(found) else NO


QUESTIONS: dict[str, Question] = {
    "events in all": lambda events: str(len(events)),
    "seed": ends("raw_orders"),
    "model": ends(MODEL),
    "model that fails": ends(BROKEN),
    "model skipped because of it": ends(SKIPPED),
    "snapshot": ends("orders_history"),
    "test that passes": ends(*TESTS[PASSING]),
    "test that fails": ends(*TESTS[FAILING]),
    "the model's job": job_of_model,
    "the model's table": name_of_table,
    "the model's inputs": inputs_of_model,
    "the model's SQL": sql_of_model,
    "a run of its own for each node": run_of_its_own,
    "parent run": parent,
    "nominal time": nominal_time,
    "rows of the seed": rows_of("raw_orders"),
    "rows of the model": rows_of(MODEL),
    "columns with types": types_of_columns,
    "columns with their true origins": origins_of_columns,
    "verdict of the test that passes": verdict("not_null", success=True),
    "verdict of the test that fails": verdict("accepted_values", success=False),
    "why the model failed": reason_of_failure(BROKEN, "no_such_column"),
    "why the test failed": reason_of_failure(FAILING, "Got 1 result"),
}


def _ends_of(events: list[Event], name: str) -> list[Event]:
    return [event for event in about(events, name) if event["eventType"] == "COMPLETE"]


def _datasets(event: Event) -> list[Event]:
    return [*event.get("inputs", []), *event.get("outputs", [])]


def _tables_made(events: list[Event]) -> list[Event]:
    return [each for event in about(events, MODEL) for each in event.get("outputs", [])]


def _facet(dataset: Event, name: str) -> Event:
    return (dataset.get("facets") or {}).get(name) or {}


def _only_decides(field: Event) -> bool:
    kinds = [each["type"] for each in field.get("transformations") or []]
    return bool(kinds) and set(kinds) == {"INDIRECT"}


def _assertions(events: list[Event]) -> Iterator[Event]:
    for event in events:
        for each in _datasets(event):
            for facets in (each.get("inputFacets") or {}, each.get("facets") or {}):
                yield from facets.get("dataQualityAssertions", {}).get("assertions", [])


def _share(events: list[Event], facet: str) -> str:
    found = [event for event in events if facet in event["run"].get("facets", {})]
    return YES if len(found) == len(events) else "some" if found else NO
