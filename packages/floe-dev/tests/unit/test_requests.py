"""Callers and a server, with a product that is really compiled and an orchestrator that is ours."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from threading import Event, Thread

import psutil
import pytest
from typer.testing import CliRunner
from wait_for import wait_for
from warm_floe import dbt

from floe_core.cli.main import app
from floe_core.foundation.errors import (
    EnvironmentProblemError,
    FloeError,
    InvalidProductError,
    UsageError,
)
from floe_core.plugin_api.powers import RunOptions, RunReport, UncompiledProduct
from floe_core.runs.build_events import BuildEnded, BuildEvent, NodeResult
from floe_core.runs.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev.client import RunningDev, connect_to_dev
from floe_dev.compile_process import CompileProcess
from floe_dev.dev_place import (
    FILE,
    DevPlace,
    claimed,
    hash_of_environment,
    read_place,
    write_place,
    write_start,
)
from floe_dev.product_at_hand import ProductAtHand
from floe_dev.request_server import answering
from floe_dev.warm_runs import WarmRuns

pytestmark = pytest.mark.long


class PaperRun:
    """Ends at once, or when it is canceled if the product has a job named `hangs`."""

    def __init__(self) -> None:
        self.is_canceled = Event()
        self.is_killed = False

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        if self.is_killed:
            raise EnvironmentProblemError("the process ended before the run did")
        result = NodeResult("model.shop.a", "success", 0.5)
        on_event(result)
        if options.parameters.empty:
            assert self.is_canceled.wait(30)
            return RunReport("canceled", "r", 1.0, {})
        on_event(BuildEnded(True))
        return RunReport("success", "r", 1.0, {"model.shop.a": result}, look_further=["pages"])

    def cancel(self) -> None:
        self.is_canceled.set()

    def has_ended(self) -> bool:
        return self.is_killed


class PaperSession:
    pages = "http://127.0.0.1:1"

    def __init__(self) -> None:
        self.runs: list[PaperRun] = []
        self.open = 0
        self.is_ready = True
        self.notices: list[str] = []

    def take_up(self, artifacts: CompiledArtifacts) -> None: ...

    def problem(self) -> str:
        return ""

    def reap_products(self) -> dict[str, str]:
        return {}

    @contextmanager
    def start_early(self, product: UncompiledProduct) -> Iterator[PaperRun]:
        self.runs.append(PaperRun())
        self.open += 1
        try:
            yield self.runs[-1]
        finally:
            self.open -= 1


@pytest.fixture
def shop(write_product: Callable[..., Path]) -> Path:
    return write_product(a="select 1 as id")


@pytest.fixture
def session() -> PaperSession:
    return PaperSession()


@pytest.fixture
def dev(shop: Path, session: PaperSession) -> Iterator[RunningDev]:
    process = CompileProcess(shop, "plain")
    runs = WarmRuns(lambda: session, UncompiledProduct(shop, "shop"), lambda: session.is_ready)
    product = ProductAtHand(shop, process)
    try:
        with claimed(shop), answering("key", product, runs, lambda found: None, 5.0) as port:
            environment = hash_of_environment(os.environ)
            write_place(
                shop, DevPlace(os.getpid(), "plain", session.pages, port, "key", environment)
            )
            found = connect_to_dev(shop, None, session.notices.append)
            assert found is not None
            yield found
            found.close()
    finally:
        runs.close()
        process.close()
    assert session.open == 0


def compiled(dev: RunningDev) -> CompiledArtifacts:
    return dev.compile(None, lambda notice: None)


def test_a_caller_gets_the_product_its_events_and_the_report(dev: RunningDev) -> None:
    artifacts, events = compiled(dev), []
    report = dev.launch_run(artifacts, RunOptions("shop"), events.append)
    result = NodeResult("model.shop.a", "success", 0.5)
    assert events == [result, BuildEnded(True)]
    assert report == RunReport(
        "success", "r", 1.0, {"model.shop.a": result}, look_further=["pages"]
    )


def test_a_process_that_ended_while_it_waited_is_replaced(
    dev: RunningDev, session: PaperSession
) -> None:
    artifacts = compiled(dev)
    dev.launch_run(artifacts, RunOptions("shop"), lambda event: None)
    wait_for(lambda: len(session.runs) == 2)
    session.runs[-1].is_killed = True
    assert dev.launch_run(artifacts, RunOptions("shop"), lambda event: None).status == "success"


def test_a_run_waits_for_an_orchestrator_that_is_starting(
    dev: RunningDev, session: PaperSession
) -> None:
    artifacts = compiled(dev)
    session.is_ready = False

    def become_ready() -> None:
        wait_for(lambda: bool(session.notices), 5)
        assert session.runs == []
        session.is_ready = True

    thread = Thread(target=become_ready)
    thread.start()
    report = dev.launch_run(artifacts, RunOptions("shop"), lambda event: None)
    thread.join()
    assert session.notices == ["waiting for plain, which `floe dev` is starting"]
    assert report.status == "success"


def test_a_caller_waits_for_one_that_is_starting(dev: RunningDev, shop: Path) -> None:
    place = read_place(shop)
    assert place is not None
    write_start(shop, "plain")
    said = Event()
    thread = Thread(target=lambda: said.wait(10) and write_place(shop, place))
    thread.start()
    found = connect_to_dev(shop, None, lambda notice: said.set())
    thread.join()
    assert found is not None
    found.close()


def test_a_start_whose_process_was_killed_leads_nowhere(shop: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_place(shop, DevPlace(ended.pid, "plain", "", 0, "", ""))
    assert connect_to_dev(shop, None, print) is None


def test_a_run_waits_for_a_limited_time(dev: RunningDev, session: PaperSession) -> None:
    artifacts = compiled(dev)
    session.is_ready = False
    with pytest.raises(FloeError, match="plain was not up within 5 s; see"):
        dev.launch_run(artifacts, RunOptions("shop"), lambda event: None)
    assert session.runs == []


def test_a_run_that_waits_is_interrupted(dev: RunningDev, session: PaperSession) -> None:
    artifacts = compiled(dev)
    session.is_ready = False

    def interrupt(notice: str) -> None:
        raise KeyboardInterrupt

    dev._on_notice = interrupt
    with pytest.raises(KeyboardInterrupt):
        dev.launch_run(artifacts, RunOptions("shop"), lambda event: None)
    session.is_ready = True
    assert dev.launch_run(artifacts, RunOptions("shop"), lambda event: None).status == "success"


def test_a_changed_file_is_in_the_next_compile(dev: RunningDev, shop: Path) -> None:
    assert {node.name for node in compiled(dev).nodes} == {"a"}
    (shop / "models/b.sql").write_text("select * from {{ ref('a') }}")
    assert {node.name for node in compiled(dev).nodes} == {"a", "b"}


def test_a_plan_is_of_what_it_compiles(
    dev: RunningDev, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_here(*args: object, **options: object) -> None:
        raise AssertionError("compiled in the command's own process")

    monkeypatch.setattr("floe_core.compiler.compile_product", compile_here)
    (shop / "models/b.sql").write_text("select * from {{ ref('a') }}")
    planned = CliRunner().invoke(app, ["plan", str(shop), "--json"])
    assert set(json.loads(planned.stdout)["nodes"]) == {"model.shop.a", "model.shop.b"}


@pytest.mark.parametrize("select", ["a+", "b", "tag:daily", "a,tag:daily"])
def test_a_selection_is_what_dbt_lists_in_the_other_process(
    dev: RunningDev, shop: Path, select: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "models/a.sql").write_text("{{ config(tags=['daily']) }} select 1 as id")
    (shop / "models/b.sql").write_text("select * from {{ ref('a') }}")
    artifacts = compiled(dev)
    listed = dbt(
        "-q", "ls", "--select", select, "--output", "name", "--target-path", "ls", cwd=shop
    )
    here = "floe_core.execution.node_selection.ids_listed"
    monkeypatch.setattr(here, lambda *given: frozenset())
    among = [node.unique_id for node in artifacts.runnable]
    chosen = dev.choose_nodes(artifacts, RunParameters(select=select), among)
    assert [artifacts.by_id[each].name for each in chosen] == sorted(listed.stdout.split())


def test_a_selection_that_dbt_rejects_or_that_is_empty_is_the_callers_error(
    dev: RunningDev,
) -> None:
    artifacts = compiled(dev)
    for select, told in (("nothing", "selects no node of shop"), ("x:y:z", "dbt:")):
        with pytest.raises(FloeError, match=told) as caught:
            dev.choose_nodes(artifacts, RunParameters(select=select), ["model.shop.a"])
        assert caught.value.exit_code == UsageError.exit_code
    assert dev.choose_nodes(artifacts, RunParameters(), ["model.shop.a"]) == ("model.shop.a",)


def test_an_error_of_the_product_is_the_callers(dev: RunningDev, shop: Path) -> None:
    compiled(dev)
    (shop / "models/b.sql").write_text("select * from {{ ref('nobody') }}")
    with pytest.raises(InvalidProductError, match=r"models/b\.sql"):
        compiled(dev)
    (shop / "models/b.sql").unlink()
    assert {node.name for node in compiled(dev).nodes} == {"a"}


def test_a_caller_that_hangs_up_cancels_its_run(
    dev: RunningDev, shop: Path, session: PaperSession
) -> None:
    artifacts = compiled(dev)
    has_begun = Event()
    options = RunOptions("shop", parameters=RunParameters(empty=True))

    def call() -> None:
        with pytest.raises((EnvironmentProblemError, OSError)):
            dev.launch_run(artifacts, options, lambda event: has_begun.set())

    thread = Thread(target=call)
    thread.start()
    assert has_begun.wait(10)
    # As when its process is killed: the connection is shut while it waits.
    socket.socket(fileno=os.dup(dev._connection.fileno())).shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert session.runs[0].is_canceled.wait(10)


def test_a_caller_without_the_key_is_refused_and_others_are_not(
    dev: RunningDev, shop: Path
) -> None:
    place = read_place(shop)
    assert place is not None
    with pytest.raises(AuthenticationError):
        Client(("127.0.0.1", place.port), authkey=b"another")
    assert compiled(dev).product.name == "shop"


def test_only_its_owner_can_read_the_key(dev: RunningDev, shop: Path) -> None:
    assert (shop / ".floe" / FILE).stat().st_mode & 0o777 == 0o600


def test_other_settings_or_another_orchestrator_do_without_it(
    dev: RunningDev, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connect_to_dev(shop, "dagster", print) is None
    notices: list[str] = []
    monkeypatch.setenv("DBT_TARGET", "other")
    assert connect_to_dev(shop, None, notices.append) is None
    assert notices == [
        "`floe dev` is up, and not used: its variables DBT_* or FLOE_* differ from those here"
    ]


def test_a_second_one_is_refused(dev: RunningDev, shop: Path) -> None:
    expected = f"up already at http://127.0.0.1:1, process {os.getpid()}"
    with pytest.raises(EnvironmentProblemError, match=expected), claimed(shop):
        pass


def test_a_process_that_compiles_and_is_killed_is_replaced(dev: RunningDev, shop: Path) -> None:
    compiled(dev)
    for child in psutil.Process().children(recursive=True):
        # One that has ended in the meantime has no command line.
        with suppress(psutil.NoSuchProcess):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
    (shop / "models/b.sql").write_text("select 2 as id")
    assert {node.name for node in compiled(dev).nodes} == {"a", "b"}


def test_the_place_of_one_that_was_killed_leads_nowhere(shop: Path) -> None:
    write_place(shop, DevPlace(1, "plain", "http://127.0.0.1:1", 1, "key", ""))
    assert connect_to_dev(shop, None, print) is None
