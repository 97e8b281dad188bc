"""The runs of all places, in one list that several threads may read and one each may add to."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from floe_core.plugin_api.run_history import RecordedRun

# More than a platform has in a month; older ones leave first.
MOST_RUNS = 20_000
# Place, product and job, and the orchestrator's id.
RunKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run, and the name of the place that it is on."""

    place: str
    run: RecordedRun

    @property
    def key(self) -> RunKey:
        """What no other run has: two DAGs of Airflow may have runs of one id."""
        return self.place, f"{self.run.product}/{self.run.job}", self.run.run_id


@dataclass(frozen=True, slots=True)
class Search:
    """Which runs to list; an empty field matches all. Moments are compared with their beginning."""

    text: str = ""
    product: str = ""
    state: str = ""
    place: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, listed: ListedRun) -> bool:
        """Return whether a run is wanted; each word of the text is in one of its names."""
        run, moment = listed.run, begin_of(listed.run)
        names = f"{run.product} {run.job} {run.run_id} {run.state} {listed.place}".lower()
        return (
            self.product in ("", run.product)
            and self.state in ("", run.state)
            and self.place in ("", listed.place)
            and (self.since is None or moment >= self.since)
            and (self.until is None or moment < self.until)
            and all(word in names for word in self.text.lower().split())
        )


class RunBook:
    """The runs, newest first."""

    def __init__(self, most: int = MOST_RUNS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._runs: dict[RunKey, ListedRun] = {}
        self._in_order: tuple[ListedRun, ...] = ()
        self._by_product: dict[str, list[ListedRun]] = {}

    def add(self, place: str, runs: Iterable[RecordedRun]) -> bool:
        """Add runs or their later states; return whether anything is new."""
        listed = [ListedRun(place, run) for run in runs]
        with self._lock:
            new = [each for each in listed if self._runs.get(each.key) != each]
            if not new:
                return False
            self._runs.update((each.key, each) for each in new)
            found = sorted(self._runs.values(), key=lambda each: begin_of(each.run), reverse=True)
            self._runs = {each.key: each for each in found[: self._most]}
            self._in_order = tuple(self._runs.values())
            self._by_product = {}
            for each in self._in_order:
                self._by_product.setdefault(each.run.product, []).append(each)
        return True

    @property
    def all(self) -> tuple[ListedRun, ...]:
        """All runs, newest first."""
        return self._in_order

    def of_product(self, product: str) -> list[ListedRun]:
        """Return the runs of a product, newest first."""
        return self._by_product.get(product, [])

    def under_way(self, place: str) -> list[ListedRun]:
        """Return the runs of a place that have not ended."""
        return [each for each in self.all if each.place == place and not each.run.is_over]

    def search(self, wanted: Search, limit: int, offset: int = 0) -> tuple[list[ListedRun], int]:
        """Return some of the runs that match, and how many do."""
        among = self.of_product(wanted.product) if wanted.product else self.all
        found = [each for each in among if wanted.matches(each)]
        return found[offset : offset + limit], len(found)

    def find(self, place: str, product: str, run_id: str) -> ListedRun | None:
        """Return one run."""
        for each in self.of_product(product):
            if (each.place, each.run.run_id) == (place, run_id):
                return each
        return None


def begin_of(run: RecordedRun) -> datetime:
    """Return when a run began, or when the orchestrator learned of it."""
    return run.started_at or run.created_at
