"""Checks of an orchestrator that is served to a developer, for plugins that are a `DevServer`."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.plugin_api.powers import DevOptions, DevServer, RunOptions, UncompiledProduct
from floe_core.runs.build_events import BuildEvent
from floe_core.schedules.live_schedules import PAUSED_VARIABLE

REQUEST_SECONDS, PATIENCE_SECONDS = 30.0, 5.0


@dataclass(frozen=True)
class Served:
    """What was seen of a product while it was served, and afterwards.

    `status` is how its pages answered, `built` the relations in the warehouse after a run that
    ended as `ended`, `left` the processes that still had the product's folder after the end.
    """

    status: int
    ended: str
    built: frozenset[str]
    left: frozenset[str]
    still_listens: bool


class DevServerChecks(Subject):
    """The orchestrator has its pages, runs the product, and is gone afterwards.

    Skipped if the plugin is not a `DevServer`.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def served(cls, tmp_path_factory: pytest.TempPathFactory) -> Served:
        """A product that was served, run once, and served no longer."""
        plugin = cls().plugin()
        if not isinstance(plugin, DevServer):
            pytest.skip("the plugin serves nothing to developers")
        product = cls.compile(tmp_path_factory.mktemp("served"), {})
        uncompiled = UncompiledProduct(product.folder, product.product.name)
        options = DevOptions(product.folder, _free_port(), False, {PAUSED_VARIABLE: "1"})
        # The compile itself may have started a process that stays, such as a resource tracker.
        before = _processes_of(product.folder)
        with plugin.serve_dev([uncompiled], options) as session:
            session.take_up(product)
            status = _status_of(session.pages)
            with session.start_early(uncompiled) as run:
                report = run.launch_run(product, RunOptions(product.jobs[0].name), _ignore)
        return Served(
            status,
            report.status,
            _relations(product.folder / kit_product.WAREHOUSE),
            _left_of(product.folder, before),
            _listens(options.port),
        )

    def test_the_pages_of_a_served_product_respond(self, served: Served) -> None:
        """As soon as `take_up` has returned, and until the block ends."""
        assert (served.status, served.still_listens) == (200, False)

    def test_a_served_product_is_built_when_it_runs(self, served: Served) -> None:
        """The run is a success, and its models are in the warehouse."""
        models = {"stg_orders", "stg_people", "orders"}
        assert (served.ended, models - served.built) == ("success", set())

    def test_nothing_of_a_served_product_is_left(self, served: Served) -> None:
        """No process has the product's folder among its arguments or variables. Linux only."""
        assert served.left == frozenset()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=REQUEST_SECONDS) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _relations(warehouse: Path) -> frozenset[str]:
    if not warehouse.exists():
        return frozenset()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute("select table_name from information_schema.tables").fetchall()
    return frozenset(name for (name,) in rows)


def _ignore(event: BuildEvent) -> None:
    pass


def _left_of(folder: Path, before: frozenset[str]) -> frozenset[str]:
    """Return the new processes that name a folder and don't end soon: helpers outlive owners."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := _processes_of(folder) - before) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def _processes_of(folder: Path) -> frozenset[str]:
    """Return the command lines of processes that name a folder."""
    needle, found = str(folder).encode(), set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            known = words + (process / "environ").read_bytes()
        except OSError:
            continue
        if words and needle in known:
            found.add(words.replace(b"\0", b" ").decode(errors="replace"))
    return frozenset(found)
