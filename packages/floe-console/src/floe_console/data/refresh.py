"""Reads the sources of a platform in the background, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from floe_console.data.places import Place, places_of
from floe_console.data.product_records import ProductRecords, RecordsReader
from floe_console.data.run_book import ListedRun, RunBook, RunKey
from floe_console.data.run_nodes import RunNodes, nodes_of, reason_of
from floe_console.mesh import Mesh, known_products, read_mesh
from floe_core.compiler.ports.products import read_platform
from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.manifest_yaml import Manifest

# How much of the past is listed, and how many runs of a place at most.
HISTORY = timedelta(days=30)
MOST_RUNS = 10_000
# A later look asks for what changed since a moment this long before the last one: clocks differ.
OVERLAP = timedelta(seconds=90)
# The runs of a place whose nodes are read at each look: of those under way, and of new failures.
MOST_FOLLOWED = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between looks, and how long one look at an orchestrator may take."""

    runs: float = 3.0
    products: float = 15.0
    limit: float = 8.0
    first_limit: float = 60.0


@dataclass(frozen=True, slots=True)
class PlaceState:
    """How the last look at a place went. `read_at` is that of the last good one.

    `running` are the nodes of runs under way, `reasons` why the last failed run of each job failed,
    both by the key of the run.
    """

    place: Place
    read_at: datetime | None = None
    problem: str = "it has not been read yet"
    running: dict[RunKey, RunNodes] = field(default_factory=dict)
    reasons: dict[RunKey, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """The products of a platform as last read."""

    mesh: Mesh
    artifacts: dict[str, CompiledArtifacts]
    records: dict[str, ProductRecords] = field(default_factory=dict)
    read_at: datetime | None = None


class Platform:
    """What is known of a platform; see `look` and `start`."""

    def __init__(
        self, path: Path, access: tuple[Manifest, ...] = (), pace: Pace | None = None
    ) -> None:
        self._path, self._access, self._pace = path, access, pace or Pace()
        self.book = RunBook()
        self._records = RecordsReader()
        self.known = Known(Mesh("", ()), {})
        self.places: dict[str, PlaceState] = {}
        self.problem = ""
        self.version = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._readers: dict[str, threading.Thread] = {}

    def look(self, seconds: float) -> None:
        """Read everything once, all at the same time; what takes longer stays unknown."""
        self.read_products()
        threads = [
            _started(partial(self._read_place, name, seconds), f"floe-look-{name}")
            for name in self.places
        ]
        threads.append(_started(self.read_records, "floe-records"))
        end = datetime.now(UTC) + timedelta(seconds=seconds)
        for thread in threads:
            thread.join(max((end - datetime.now(UTC)).total_seconds(), 0))

    def start(self) -> None:
        """Read the products, then everything else again and again, until `stop`."""
        self.read_products()
        _started(self._repeat(self._reread, self._pace.products), "floe-products")
        self._start_readers()

    def stop(self) -> None:
        """Let the threads end after what they read now; they do not keep the process alive."""
        self._stopped.set()

    def read_products(self) -> None:
        """Read the products as published, their schedules, and the ledger.

        Raises:
            FloeError: The manifest cannot be read.
        """
        platform = read_platform(self._path)
        artifacts = known_products(platform)
        mesh = read_mesh(platform, known=artifacts)
        places = places_of(list(artifacts.values()), [platform.manifest, *self._access])
        with self._lock:
            self.known = replace(
                self.known, mesh=mesh, artifacts=artifacts, read_at=datetime.now(UTC)
            )
            self.places = {
                each.name: replace(self.places[each.name], place=each)
                if each.name in self.places
                else PlaceState(each, problem=each.problem or PlaceState(each).problem)
                for each in places
            }
            self.problem = ""
            self.version += 1

    def read_records(self) -> None:
        """Read what the products' own stores tell."""
        records = {name: self._records.read(each) for name, each in self.known.artifacts.items()}
        with self._lock:
            if records != self.known.records:
                self.known = replace(self.known, records=records)
                self.version += 1

    def find(self, place: str, product: str, run_id: str) -> ListedRun | None:
        """Return one run."""
        return self.book.find(place, product, run_id)

    def nodes(self, listed: ListedRun, seconds: float = 5.0) -> RunNodes:
        """Return the nodes of a run; an orchestrator that did not answer last is not asked."""
        product = self.known.artifacts.get(listed.run.product)
        state = self.places.get(listed.place)
        if product is None or state is None:
            return RunNodes(unknown="the product is no longer published")
        history = None if state.problem else state.place.history
        return nodes_of(product, listed.run, history, seconds)

    def _reread(self) -> None:
        try:
            self.read_products()
        except FloeError as error:
            with self._lock:
                self.problem, self.version = str(error), self.version + 1
        self.read_records()
        self._start_readers()

    def _start_readers(self) -> None:
        for name in self.places:
            if name not in self._readers:
                read = self._repeat(partial(self._look_again, name), self._pace.runs)
                self._readers[name] = _started(read, f"floe-runs-{name}")

    def _look_again(self, name: str) -> None:
        state = self.places.get(name)
        if state is not None:
            is_first = state.read_at is None
            self._read_place(name, self._pace.first_limit if is_first else self._pace.limit)

    def _read_place(self, name: str, seconds: float) -> None:
        state = self.places[name]
        place, now = state.place, datetime.now(UTC)
        if place.history is None:
            return
        since = state.read_at - OVERLAP if state.read_at else now - HISTORY
        try:
            runs = place.history.recent_runs(place.products, since, MOST_RUNS, seconds)
        except EnvironmentProblemError as error:
            self._keep(name, replace(state, place=place, problem=str(error)), is_news=False)
            return
        is_news = self.book.add(name, runs)
        under_way = self.book.under_way(name)[:MOST_FOLLOWED]
        running = {each.key: self._nodes(place, each, seconds) for each in under_way}
        reasons = self._reasons(state, seconds)
        self._keep(name, PlaceState(place, now, "", running, reasons), is_news=is_news)

    def _reasons(self, state: PlaceState, seconds: float) -> dict[RunKey, str]:
        """Return why the last run of each product failed; what was read before is kept."""
        found: dict[RunKey, str] = {}
        reads = 0
        for product in state.place.products:
            runs = self.book.of_product(product.product.name)
            here = (each for each in runs if each.place == state.place.name)
            last = next((each for each in here if each.run.is_over), None)
            if last is None or last.run.state != "failed":
                continue
            if last.key in state.reasons:
                found[last.key] = state.reasons[last.key]
            elif reads < MOST_FOLLOWED:
                reads += 1
                found[last.key] = reason_of(product, self._nodes(state.place, last, seconds))
        return found

    def _nodes(self, place: Place, listed: ListedRun, seconds: float) -> RunNodes:
        product = self.known.artifacts.get(listed.run.product)
        if product is None:
            return RunNodes(unknown="the product is no longer published")
        return nodes_of(product, listed.run, place.history, seconds)

    def _keep(self, name: str, state: PlaceState, *, is_news: bool) -> None:
        with self._lock:
            before = self.places.get(name)
            if before is None:
                return
            self.places[name] = replace(state, place=before.place)
            told = (before.problem, before.running, before.reasons)
            if is_news or told != (state.problem, state.running, state.reasons):
                self.version += 1

    def _repeat(self, read: Callable[[], None], pause: float) -> Callable[[], None]:
        def repeat() -> None:
            while not self._stopped.is_set():
                with suppress(KeyError):  # A place that is gone.
                    read()
                self._stopped.wait(pause)

        return repeat


def _started(run: Callable[[], None], name: str) -> threading.Thread:
    # No pool: the interpreter waits for a pool's threads when it exits.
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread
