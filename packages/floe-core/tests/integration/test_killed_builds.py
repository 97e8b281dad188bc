"""Builds that are killed: who looks next reports them, once. They report their own ends otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_receiver import AlertReceiver
from small_disk import fill, small_disk
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, NodeStarted, build
from floe_core.execution.reports.build_note import GRACE_SECONDS
from floe_core.execution.reports.killed_builds import report_killed_builds
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.spooling.spool import Spool

WriteProduct = Callable[..., Path]
FAILED = "shop: run failed"
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
execution: {retries: RETRIES, retryDelaySeconds: 30}
ALERTS
steps: [{name: wait, command: ["sh", "-c", "test -e go || sleep 600"], reads: [first]}]
"""
ALERTS = """alerts: [{on: [failure, recovery, warning], to: "{{ env_var('SHOP_ALERTS') }}"}]"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}, compute: {type: duckdb}}
"""
# A build as a third-party plugin makes it, in a process of its own.
BUILD = """\
import sys
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.spooling.spool import Spool
request = BuildRequest(job="shop", run_id=sys.argv[2], attempt=int(sys.argv[3]))
for event in build(CompiledArtifacts.load(sys.argv[1]), request):
    print(type(event).__name__, getattr(event, "unique_id", ""), flush=True)
"""


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    def compiled(retries: int = 0, alerts: str = ALERTS) -> CompiledArtifacts:
        floe = FLOE.replace("RETRIES", str(retries)).replace("ALERTS", alerts)
        folder = write_product(floe=floe, manifest=MANIFEST)
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return compiled


@contextmanager
def waiting_build(artifacts: CompiledArtifacts, run_id: str, attempt: int = 1) -> Iterator[None]:
    """Have a build under way, and kill it at the end of the block."""
    words = [sys.executable, "-c", BUILD, str(artifacts.folder), run_id, str(attempt)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("NodeStarted step.shop.wait"):
                break
        yield
        process.kill()


def run(artifacts: CompiledArtifacts, run_id: str, attempt: int = 1) -> None:
    (artifacts.folder / "go").touch()
    # The step of a killed build is killed some seconds later.
    end = list(build(artifacts, BuildRequest(job="shop", run_id=run_id, attempt=attempt)))[-1]
    assert end == BuildEnded(succeeded=True)


def check(artifacts: CompiledArtifacts) -> int:
    words = ["alerts", "check", str(artifacts.folder), "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    found: int = json.loads(done.stdout)["killed"]
    return found


def notes_of(artifacts: CompiledArtifacts) -> list[Path]:
    return list((artifacts.folder / ".floe" / "alerts" / "open").glob("*"))


def test_a_killed_build_is_told_by_a_check_once_and_one_under_way_is_not(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop()
    with waiting_build(artifacts, "r"):
        assert check(artifacts) == 0
    assert [check(artifacts), check(artifacts)] == [1, 0]
    assert receiver.wait_for(1) == [FAILED]
    lines = receiver.posted[0]["message"].splitlines()
    assert lines[:2] == ["1 of 2 nodes: 1 error", "step.shop.wait: it started but did not finish"]
    assert [path.name for path in notes_of(artifacts)] == ["open.lock"]


def test_a_killed_build_is_told_by_the_next_run_and_that_one_recovers(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop()
    with waiting_build(artifacts, "killed"):
        pass
    run(artifacts, "next")
    assert receiver.wait_for(2) == [FAILED, "shop: run succeeded again"]
    assert [path.name for path in notes_of(artifacts)] == ["open.lock"]


def test_a_killed_attempt_that_a_retry_follows_is_a_warning_alone(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(retries=1)
    with waiting_build(artifacts, "r"):
        pass
    assert check(artifacts) == 0
    run(artifacts, "r", attempt=2)
    assert check(artifacts) == 0
    assert receiver.wait_for(1) == ["shop: run succeeded with warnings"]


def test_a_killed_attempt_that_no_retry_followed_in_time_is_told(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(retries=1)
    with waiting_build(artifacts, "r"):
        pass
    before = datetime.now(UTC)
    assert check(artifacts) == 0
    [note] = [path for path in notes_of(artifacts) if path.suffix == ".json"]
    noted = json.loads(note.read_text())
    found = datetime.fromisoformat(noted["found_dead_at"])
    assert before <= found <= datetime.now(UTC)
    noted["found_dead_at"] = (found - timedelta(seconds=GRACE_SECONDS + 31)).isoformat()
    note.write_text(json.dumps(noted))
    assert [check(artifacts), check(artifacts)] == [1, 0]
    assert receiver.wait_for(1) == [FAILED]


def test_checks_at_once_tell_a_killed_build_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop()
    with waiting_build(artifacts, "r"):
        pass
    words = [Path(sys.executable).parent / "floe", "alerts", "check", str(artifacts.folder)]
    checks = [subprocess.Popen(words, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait(60) for each in checks] == [0, 0, 0]
    time.sleep(1)
    assert receiver.wait_for(1) == [FAILED]


def types_of_runs(artifacts: CompiledArtifacts) -> dict[str, list[str]]:
    """Return job -> the types of its lineage events, which wait for a backend that is away."""
    types: dict[str, list[str]] = {}
    for path in Spool(artifacts.folder).list_waiting():
        event = json.loads(path.read_text())
        types.setdefault(event["job"]["name"], []).append(event["eventType"])
    return types


@pytest.mark.parametrize("alerts", ["", ALERTS], ids=["without", "with"])
def test_the_lineage_of_a_killed_build_is_ended_by_whoever_looks_next(
    shop: Callable[..., CompiledArtifacts], alerts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    artifacts = shop(retries=1, alerts=alerts)
    with waiting_build(artifacts, "r"):
        assert report_killed_builds(artifacts) == 0
    open_runs = types_of_runs(artifacts)
    assert (open_runs["shop"], open_runs["shop.step.wait"]) == (["START"], ["START"])
    for _ in range(2):
        report_killed_builds(artifacts)
        assert types_of_runs(artifacts) == {
            "shop": ["START", "FAIL"],
            "shop.model.first": ["START", "COMPLETE"],
            "shop.step.wait": ["START", "ABORT"],
        }


def test_lineage_that_a_full_disk_cut_off_is_completed_by_the_next_run(
    shop: Callable[..., CompiledArtifacts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:1")
    artifacts = shop(alerts="")
    (artifacts.folder / "go").touch()
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("FLOE_STATE_DIR", str(disk))
        events = build(artifacts, BuildRequest(job="shop", run_id="full"))
        for event in events:
            if isinstance(event, NodeStarted):
                ballast = fill(disk)
                break
        with pytest.raises(OSError, match="No space left on device"):
            list(events)
        assert types_of_runs(artifacts)["shop"] == ["START"]
        ballast.unlink()
        run(artifacts, "next")
        types = types_of_runs(artifacts)
    assert types["shop"] == ["START", "FAIL", "START", "COMPLETE"]
    # dbt may have failed by the full disk, too.
    assert types["shop.model.first"][1] in ("ABORT", "COMPLETE", "FAIL")
    assert types["shop.model.first"][::2] == ["START", "START"]


def test_a_damaged_note_is_removed(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop()
    folder = artifacts.folder / ".floe" / "alerts" / "open"
    folder.mkdir(parents=True)
    (folder / "1.json").write_text('{"job": ')
    whole = {"job": "shop", "run_id": "r", "nominal_time": "soon", "parameters": {}}
    (folder / "2.json").write_text(json.dumps({**whole, "retry_after": None}))
    assert check(artifacts) == 0
    assert list(folder.glob("*.json")) == []


def test_what_cannot_be_read_among_the_notes_keeps_no_other_from_being_told(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    artifacts = shop()
    with waiting_build(artifacts, "r"):
        pass
    folder = artifacts.folder / ".floe" / "alerts" / "open"
    (folder / "0.json").mkdir()
    (folder / "1.json").symlink_to("2.json")
    (folder / "2.json").symlink_to("1.json")
    os.mkfifo(folder / "3.json")
    (folder / "4.lock").mkdir()
    (folder / "4.json").write_text("{}")
    assert [check(artifacts), check(artifacts)] == [1, 0]
    assert receiver.wait_for(1) == [FAILED]
    told = "\n".join(caplog.messages)
    assert all(str(folder / name) in told for name in ("0.json", "1.json", "2.json", "3.json"))
    assert str(folder / "4.lock") in told
