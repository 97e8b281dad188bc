from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from floe_core.lineage import emit_lineage_event
from floe_core.plugin_interfaces import Dataset
from floe_core.schemas.policies import LineageSettings
from floe_core.storage.spooling.spool import Spool

from .conftest import Backend
from .specification import faults

NOWHERE = LineageSettings(config={"url": "http://127.0.0.1:9"})


@pytest.fixture(autouse=True)
def _end_delivery() -> Any:
    """End what a test started to send with, as the end of a process does."""
    from floe_core.lineage import emission

    yield
    for _, delivery in emission._outlets.values():
        delivery.close(0)
    emission._outlets.clear()


def emit(event_type: str, job: str, project_dir: Path, **more: Any) -> str:
    """Emit an event and return the id of its run."""
    emit_lineage_event(event_type, job, [], [], settings=NOWHERE, project_dir=project_dir, **more)
    return run_ids(project_dir)[-1]


def events(project_dir: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in Spool(project_dir).list_waiting()]


def run_ids(project_dir: Path) -> list[str]:
    return [each["run"]["runId"] for each in events(project_dir)]


def test_three_calls_give_three_valid_events_two_of_one_run(project_dir: Path) -> None:
    source = Dataset("postgres://me:s3cret@db:5432", "shop.public.a")
    target = Dataset("duckdb://shop", "shop.main.b", {"schema": {"fields": [{"name": "id"}]}})
    for event_type in ("START", "COMPLETE", "START"):
        emit_lineage_event(
            event_type, "job", [source], [target], settings=NOWHERE, project_dir=project_dir
        )
    told = events(project_dir)
    assert [each["eventType"] for each in told] == ["START", "COMPLETE", "START"]
    assert [faults(each) for each in told] == [[], [], []]
    first, second, third = run_ids(project_dir)
    assert first == second != third
    assert told[0]["inputs"] == [
        {"namespace": "postgres://db:5432", "name": "shop.public.a", "facets": {}}
    ]
    assert told[0]["outputs"][0]["facets"]["schema"]["fields"] == [{"name": "id"}]


def test_events_are_sent_while_the_process_lives(backend: Backend, project_dir: Path) -> None:
    settings = LineageSettings(config={"url": backend.url})
    emit_lineage_event("START", "job", [], [], settings=settings, project_dir=project_dir)
    emit_lineage_event("COMPLETE", "job", [], [], settings=settings, project_dir=project_dir)
    assert [each["eventType"] for each in backend.wait_for(2)] == ["START", "COMPLETE"]


def test_events_of_a_process_that_ends_at_once_are_sent(
    backend: Backend, project_dir: Path
) -> None:
    code = f"""
from floe_core.lineage import emit_lineage_event
from floe_core.schemas.policies import LineageSettings
settings = LineageSettings(config={{"url": {backend.url!r}}})
for event_type in ("START", "FAIL"):
    emit_lineage_event(event_type, "job", [], [], settings=settings)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=project_dir, timeout=60)
    assert [each["eventType"] for each in backend.events] == ["START", "FAIL"]
    assert events(project_dir) == []


def test_an_unknown_type_is_refused_with_the_allowed_ones(project_dir: Path) -> None:
    with pytest.raises(ValueError, match="no lineage event type") as refused:
        emit("DONE", "job", project_dir)
    assert str(refused.value) == (
        "no lineage event type 'DONE'; the types are START, RUNNING, COMPLETE, FAIL, ABORT, OTHER"
    )


def test_without_a_backend_nothing_happens_but_the_type_is_checked(project_dir: Path) -> None:
    nothing = LineageSettings()
    emit_lineage_event("START", "job", [], [], settings=nothing, project_dir=project_dir)
    with pytest.raises(ValueError, match="no lineage event type 'start'"):
        emit_lineage_event("start", "job", [], [], settings=nothing, project_dir=project_dir)
    assert list(project_dir.iterdir()) == []


def test_jobs_are_paired_each_with_itself(project_dir: Path) -> None:
    a = emit("START", "a", project_dir)
    b = emit("START", "b", project_dir)
    assert emit("RUNNING", "a", project_dir) == a
    assert emit("COMPLETE", "b", project_dir) == b
    assert emit("FAIL", "a", project_dir) == a


def test_an_end_without_a_start_is_a_run_of_its_own(project_dir: Path) -> None:
    assert emit("COMPLETE", "lonely", project_dir) != emit("COMPLETE", "lonely", project_dir)


def test_a_given_run_id_is_used_and_any_text_will_do(project_dir: Path) -> None:
    uuid = "0195505a-5180-7000-8000-000000000000"
    assert emit("START", "given", project_dir, run_id=uuid) == uuid
    assert emit("COMPLETE", "given", project_dir) == uuid
    named = emit("START", "given", project_dir, run_id="manual__1")
    assert emit("COMPLETE", "given", project_dir, run_id="manual__1") == named


def test_threads_at_once_do_not_mix_their_runs(project_dir: Path) -> None:
    barrier = threading.Barrier(8)
    pairs: list[tuple[str, str]] = []

    def work(number: int) -> None:
        folder = project_dir / str(number)
        folder.mkdir()
        start = emit("START", "threaded", folder)
        barrier.wait()
        pairs.append((start, emit("COMPLETE", "threaded", folder)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(start == end for start, end in pairs)
    assert len({start for start, _ in pairs}) == 8


def test_a_run_may_end_in_another_thread(project_dir: Path) -> None:
    start = emit("START", "handed on", project_dir)
    ends: list[str] = []
    thread = threading.Thread(
        target=lambda: ends.append(emit("COMPLETE", "handed on", project_dir))
    )
    thread.start()
    thread.join()
    assert ends == [start]
    assert emit("COMPLETE", "handed on", project_dir) != start


def test_async_tasks_at_once_do_not_mix_their_runs(project_dir: Path) -> None:
    async def work(number: int) -> tuple[str, str]:
        folder = project_dir / str(number)
        folder.mkdir()
        start = emit("START", "async", folder)
        await asyncio.sleep(0.01)
        return start, emit("COMPLETE", "async", folder)

    async def both() -> list[tuple[str, str]]:
        return await asyncio.gather(*(work(number) for number in range(6)))

    pairs = asyncio.run(both())
    assert all(start == end for start, end in pairs)
    assert len({start for start, _ in pairs}) == 6


def test_a_task_may_end_the_run_of_the_one_that_started_it(project_dir: Path) -> None:
    async def end() -> str:
        return emit("COMPLETE", "nested", project_dir)

    async def outer() -> tuple[str, str, str]:
        start = emit("START", "nested", project_dir)
        inner = await asyncio.create_task(end())
        return start, inner, emit("COMPLETE", "nested", project_dir)

    start, inner, again = asyncio.run(outer())
    assert start == inner != again


def test_no_secret_is_written(project_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "correct-horse")
    dataset = Dataset(
        "duckdb://shop?motherduck_token=s3cret",
        "correct-horse",
        {"note": {"password": "s3cret", "text": "token=s3cret"}},
    )
    facets = {"errorMessage": {"message": "http://u:s3cret@h", "programmingLanguage": "SQL"}}
    emit_lineage_event(
        "FAIL", "job", [dataset], [], settings=NOWHERE, project_dir=project_dir, facets=facets
    )
    text = json.dumps(events(project_dir))
    assert "s3cret" not in text
    assert "correct-horse" not in text
