from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.lineage import RunLineage
from floe_core.lineage.sending.delivery_status import status
from floe_core.runs.build_events import BuildEnded
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.spool import Spool

from .conftest import Backend
from .product import NODES, REQUEST, artifacts, result, started
from .specification import faults


def record(lineage: RunLineage) -> None:
    """Tell of a run with two nodes."""
    lineage.start()
    lineage.receive(started("seed.shop.raw_orders", 1))
    lineage.receive(result("seed.shop.raw_orders", "success", 2, rows=7))
    lineage.receive(started("model.shop.orders", 3))
    lineage.receive(result("model.shop.orders", "success", 4), "select 1")
    lineage.receive(BuildEnded(succeeded=True))


def test_a_run_arrives_whole_and_in_order(backend: Backend, project_dir: Path) -> None:
    settings = LineageSettings(config={"url": backend.url})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    record(lineage)
    assert lineage.close(15)
    assert [(each["eventType"], each["job"]["name"]) for each in backend.events] == [
        ("START", "shop"),
        ("START", "shop.seed.raw_orders"),
        ("COMPLETE", "shop.seed.raw_orders"),
        ("START", "shop.model.orders"),
        ("COMPLETE", "shop.model.orders"),
        ("COMPLETE", "shop"),
    ]
    assert [faults(each) for each in backend.events] == [[]] * 6
    assert lineage.events_written == 6


def test_a_run_that_is_broken_off_is_aborted_with_what_it_had_begun(
    backend: Backend, project_dir: Path
) -> None:
    settings = LineageSettings(config={"url": backend.url})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    lineage.start()
    lineage.receive(started("model.shop.orders", 1))
    assert lineage.close(15)
    assert [(each["eventType"], each["job"]["name"]) for each in backend.events[2:]] == [
        ("ABORT", "shop.model.orders"),
        ("ABORT", "shop"),
    ]


def test_what_an_interrupt_kept_from_being_written_comes_before_the_end(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage = RunLineage(
        artifacts(project_dir, LineageSettings(config={"url": "http://127.0.0.1:9"})), REQUEST
    )
    lineage.start()
    with monkeypatch.context() as patched:
        patched.setattr(Spool, "append", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lineage.receive(started("model.shop.orders", 1))
    lineage.close(0)
    waiting = (json.loads(path.read_text()) for path in Spool(project_dir).list_waiting())
    assert [(each["eventType"], each["job"]["name"]) for each in waiting] == [
        ("START", "shop"),
        ("START", "shop.model.orders"),
        ("ABORT", "shop.model.orders"),
        ("ABORT", "shop"),
    ]


def interrupt(spool: Spool, event: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("enabled", [True, False])
def test_without_a_backend_nothing_is_written(project_dir: Path, *, enabled: bool) -> None:
    lineage = RunLineage(artifacts(project_dir, LineageSettings(enabled=enabled)), REQUEST)
    record(lineage)
    assert (lineage.is_on, lineage.events_written, lineage.close(1)) == (False, 0, False)
    assert list(project_dir.iterdir()) == []


# Were one event waited for, it would be tried for minutes.
@pytest.mark.timeout(60)
def test_a_dead_backend_costs_no_time_and_loses_no_event(project_dir: Path) -> None:
    settings = LineageSettings(config={"url": "http://127.0.0.1:9"})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    record(lineage)
    lineage.close(5)
    assert status(project_dir).waiting == 6


def test_a_spool_that_cannot_be_written_is_a_warning_and_no_failure(
    backend: Backend, project_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (project_dir / ".floe").write_text("a file where the folder should be")
    settings = LineageSettings(config={"url": backend.url})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    record(lineage)
    lineage.close(0)
    assert (lineage.is_on, lineage.events_written) == (False, 0)
    assert [each.message.partition(": ")[0] for each in caplog.records] == [
        "lineage of this run is incomplete"
    ]


def test_an_unknown_node_is_a_warning_and_no_failure(
    backend: Backend, project_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lineage = RunLineage(
        artifacts(project_dir, LineageSettings(config={"url": backend.url})), REQUEST
    )
    lineage.receive(started("model.shop.nobody", 1))
    lineage.close(0)
    assert "KeyError: 'model.shop.nobody'" in caplog.text


def test_no_secret_of_the_environment_is_written(
    project_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse")
    settings = LineageSettings(config={"url": "http://127.0.0.1:9"})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    ended = result("model.shop.orders", "error", 4, message="correct-horse was no good")
    lineage.receive(ended, "select 'correct-horse'")
    lineage.close(0)
    written = [path.read_text() for path in (project_dir / ".floe").rglob("*.json")]
    assert len(written) >= 2
    assert not any("correct-horse" in text for text in written)


def test_recording_imports_neither_the_client_nor_an_http_library() -> None:
    code = """
import sys
from floe_core.lineage import RunLineage, emit_lineage_event
heavy = {"openlineage", "requests", "httpx", "dbt", "dagster", "airflow", "sqlglot"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_node_of_the_example_can_be_told(backend: Backend, project_dir: Path) -> None:
    settings = LineageSettings(config={"url": backend.url})
    lineage = RunLineage(artifacts(project_dir, settings), REQUEST)
    runnable = [node.unique_id for node in NODES if node.is_runnable]
    for unique_id in runnable:
        lineage.receive(result(unique_id, "skipped", 2))
    assert lineage.events_written == 2 * len(runnable)
    lineage.close(0)
