"""Alerts in a store that machines share: each in a state folder of its own, as pods are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg2
import pytest
from alert_receiver import AlertReceiver
from typer.testing import CliRunner

from floe_core.alerts import RunOutcome, flush, report_lateness, report_run, send_waiting, status
from floe_core.alerts.alert_store import STORE_VARIABLE
from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.runs.build_events import NodeResult
from floe_core.schemas import CompiledArtifacts
from floe_core.schemas.environments import in_environment

WriteProduct = Callable[..., Path]
FAILED, AGAIN, LATE = "shop: run failed", "shop: run succeeded again", "shop: deadline missed"
POSTGRES = os.environ.get(
    "FLOE_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/test?connect_timeout=3"
)
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0}
platform: {manifest: manifest.yaml}
deadline: "DEADLINE UTC"
alerts: [{on: [failure, recovery, warning, lateness], to: "{{ env_var('SHOP_ALERTS') }}"}]
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}, compute: {type: duckdb}}
environments: {dev: {}, prod: {}}
"""
REPORT = """\
import sys
from floe_core.alerts import RunOutcome, report_run
from floe_core.schemas import CompiledArtifacts
report_run(CompiledArtifacts.load(sys.argv[1]), RunOutcome("shop", "r", False))
"""
MODEL = "model.shop.first"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def artifacts(write_product: WriteProduct) -> CompiledArtifacts:
    moment = datetime.now(UTC) - timedelta(minutes=3)
    folder = write_product(floe=FLOE.replace("DEADLINE", f"{moment:%H:%M}"), manifest=MANIFEST)
    compile_product(folder)
    return CompiledArtifacts.load(folder)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that machines share."""
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "shared"))
    return tmp_path / "shared"


@pytest.fixture(params=["folder", "url", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    place = {
        "folder": str(tmp_path / "shared"),
        "url": f"memory://{uuid.uuid4().hex}",
        "postgres": POSTGRES,
    }[request.param]
    if request.param == "postgres":
        with_table("delete from floe_shared_text where name like '%shop.alerts'")
    if request.param == "folder":
        (tmp_path / "shared").mkdir()
    monkeypatch.setenv(STORE_VARIABLE, place)
    return place


def with_table(command: str) -> None:
    try:
        connection = psycopg2.connect(POSTGRES)
    except psycopg2.OperationalError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL: {error}")
    with connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('floe_shared_text')")
        if cursor.fetchone() != (None,):
            cursor.execute(command)
    connection.close()


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Go on as in another pod: with an empty disk."""

    def move() -> None:
        folder = tmp_path / f"pod-{uuid.uuid4().hex[:6]}"
        folder.mkdir()
        monkeypatch.setenv("FLOE_STATE_DIR", str(folder))

    move()
    return move


def outcome(run_id: str, succeeded: bool) -> RunOutcome:
    result = NodeResult(MODEL, "success" if succeeded else "error")
    return RunOutcome("shop", run_id, succeeded, {MODEL: result})


def test_pods_tell_an_end_once_and_know_of_the_failure_before_a_recovery(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, store: str, pod: Callable[[], None]
) -> None:
    report_run(artifacts, outcome("r1", succeeded=False))
    pod()
    report_run(artifacts, outcome("r1", succeeded=False))
    report_run(artifacts, outcome("r2", succeeded=True))
    pod()
    report_run(artifacts, outcome("r3", succeeded=True))
    assert receiver.titles == [FAILED, AGAIN]
    assert status(artifacts).waiting == 0


def test_an_environment_knows_nothing_of_the_runs_of_another(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, store: str, pod: Callable[[], None]
) -> None:
    tell_of_two_environments(artifacts, receiver)


def test_so_it_is_in_one_state_folder(
    artifacts: CompiledArtifacts, receiver: AlertReceiver
) -> None:
    tell_of_two_environments(artifacts, receiver)


def tell_of_two_environments(artifacts: CompiledArtifacts, receiver: AlertReceiver) -> None:
    dev, prod = (in_environment(artifacts, name) for name in ("dev", "prod"))
    report_run(prod, outcome("p1", succeeded=False))
    assert receiver.wait_for(1, quiet=0.2) == [FAILED]
    # The same id, as of an orchestrator of its own; it meets the deadline.
    in_time = datetime.now(UTC) - timedelta(minutes=5)
    report_run(dev, replace(outcome("p1", succeeded=True), ended_at=in_time))
    report_lateness(dev, known_since=LONG_AGO)
    assert receiver.wait_for(2, seconds=1) == [FAILED]
    report_lateness(prod, known_since=LONG_AGO)
    assert receiver.wait_for(2, quiet=0.2) == [FAILED, LATE]
    report_run(prod, outcome("p2", succeeded=True))
    assert receiver.wait_for(3) == [FAILED, LATE, AGAIN]


def test_a_receiver_of_one_environment_gets_no_alerts_of_another(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev, prod = (in_environment(artifacts, name) for name in ("dev", "prod"))
    url = os.environ["SHOP_ALERTS"]
    monkeypatch.delenv("SHOP_ALERTS")
    report_run(prod, outcome("p1", succeeded=False))
    monkeypatch.setenv("SHOP_ALERTS", url)
    send_waiting(dev)
    assert receiver.wait_for(1, seconds=1) == []
    send_waiting(prod)
    assert receiver.wait_for(1) == [FAILED]


def test_what_a_pod_could_not_send_is_sent_by_another_in_order_and_once(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, store: str, pod: Callable[[], None]
) -> None:
    receiver.close()
    report_run(artifacts, outcome("r1", succeeded=False))
    pod()
    report_run(artifacts, outcome("r2", succeeded=True))
    [target] = status(artifacts).targets
    assert (target.waiting, "Connection error" in target.last_failure) == (2, True)
    [failed] = flush(artifacts, 1)
    assert (failed.sent, failed.waiting, "Connection error" in failed.reason) == (0, 2, True)
    pod()
    receiver.open()
    send_waiting(artifacts)
    send_waiting(artifacts)
    assert receiver.titles == [FAILED, AGAIN]


def test_a_deadline_is_met_by_a_run_in_another_pod_and_missed_once(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, store: str, pod: Callable[[], None]
) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    before = datetime.now(UTC) - timedelta(days=2)
    report_run(artifacts, replace(outcome("r1", succeeded=True), ended_at=before))
    for _ in range(3):
        pod()
        report_lateness(artifacts, known_since=long_ago)
    assert receiver.titles == [LATE]
    last = receiver.posted[0]["message"].splitlines()[-1]
    assert last == f"last successful run ended: {before:%Y-%m-%d %H:%M} UTC"


def test_a_refused_alert_is_set_aside_and_can_be_sent_again(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, store: str, pod: Callable[[], None]
) -> None:
    receiver.answer = lambda number: 403 if number == 0 else 200
    report_run(artifacts, outcome("r1", succeeded=False))
    pod()
    [target] = status(artifacts).targets
    [refused] = target.refused
    assert (target.waiting, refused.title, "error=403" in refused.reason) == (0, FAILED, True)
    words = ["alerts", "flush", str(artifacts.folder), "--refused"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.stdout == "SHOP_ALERTS: 1 sent, 0 refused, 0 still waiting\n"
    assert receiver.titles == [FAILED]


def test_a_look_at_which_nothing_happens_writes_nothing(
    artifacts: CompiledArtifacts,
    receiver: AlertReceiver,
    shared: Path,
) -> None:
    report_lateness(artifacts)
    file = shared / "shop.alerts.json"
    before = file.stat()
    report_lateness(artifacts)
    send_waiting(artifacts)
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_processes_that_report_one_end_at_once_tell_it_once(
    artifacts: CompiledArtifacts,
    receiver: AlertReceiver,
    shared: Path,
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-c", REPORT, str(artifacts.folder)]
    pods = [
        subprocess.Popen(words, env={**os.environ, "FLOE_STATE_DIR": str(tmp_path / str(n))})
        for n in range(4)
    ]
    assert [each.wait(60) for each in pods] == [0] * 4
    assert receiver.wait_for(2, seconds=2) == [FAILED]


def test_what_a_killed_sender_had_claimed_is_sent_when_its_time_is_over(
    artifacts: CompiledArtifacts,
    receiver: AlertReceiver,
    shared: Path,
) -> None:
    receiver.close()
    report_run(artifacts, outcome("r1", succeeded=False))
    receiver.open()
    file = shared / "shop.alerts.json"
    kept = json.loads(file.read_text())
    now = datetime.now(UTC).timestamp()
    kept["entries"][0].update(claim="another's", claimed_until=now + 3)
    file.write_text(json.dumps(kept))
    send_waiting(artifacts)
    assert receiver.titles == []
    assert [done.sent for done in flush(artifacts, 20)] == [1]
    assert receiver.titles == [FAILED]


def test_a_store_that_is_away_or_damaged_fails_no_run_and_the_command_says_why(
    artifacts: CompiledArtifacts,
    receiver: AlertReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "shop.alerts.json").write_text("[]")
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path))
    report_run(artifacts, outcome("r1", succeeded=False))
    done = CliRunner().invoke(app, ["alerts", "status", str(artifacts.folder)])
    assert "holds something that is not an alert store; remove it" in str(done.exception)
    monkeypatch.setenv(STORE_VARIABLE, "postgresql://me:s3cret@127.0.0.1:1/none")
    report_run(artifacts, outcome("r1", succeeded=False))
    done = CliRunner().invoke(app, ["alerts", "status", str(artifacts.folder)])
    assert "cannot be read" in str(done.exception)
    assert "s3cret" not in str(done.exception)


def test_a_folder_that_is_away_is_no_empty_store(
    artifacts: CompiledArtifacts, receiver: AlertReceiver, shared: Path
) -> None:
    report_run(artifacts, outcome("r1", succeeded=False))
    assert receiver.wait_for(1) == [FAILED]
    away = shared.rename(shared.with_name("away"))
    report_run(artifacts, outcome("r2", succeeded=False))
    # Whether r1 had failed is not known while the notes are away, so this failure is told as well.
    assert receiver.wait_for(2) == [FAILED, FAILED]
    assert not shared.exists()
    away.rename(shared)
    report_run(artifacts, outcome("r3", succeeded=True))
    assert len(receiver.wait_for(3)) == 3
