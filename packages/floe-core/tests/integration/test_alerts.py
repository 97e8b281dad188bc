"""Alerts of builds, counted by a receiver that knows nothing of floe."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alert_receiver import AlertReceiver, alert_receiver
from endless_server import endless_server
from small_disk import fill, small_disk
from typer.testing import CliRunner
from wait_for import wait_for

from floe_core.alerts import status
from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.state_folder import runs_place

WriteProduct = Callable[..., Path]
PAGE = Path(__file__).parents[4] / "docs" / "alerts.md"
ALL = "[failure, recovery, warning]"
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
execution: {retries: RETRIES, retryDelaySeconds: 0}
alerts:
  - {on: ON, to: "{{ env_var('SHOP_ALERTS') }}"}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}, compute: {type: duckdb}}
"""
FIRST = "select 1 as id"
BROKEN = "select no_such_function(id) as id from {{ ref('first') }}"
FLAKY = (
    "{% if var('floe_attempt') == 1 %}select no_such(id) as id{% else %}select id{% endif %}"
    " from {{ ref('first') }}"
)
# Broken as long as the file is there.
AS_LONG_AS = "select * from read_csv('{}')"


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    def compiled(
        on: str = ALL, retries: int = 0, more: str = "", **models: str
    ) -> CompiledArtifacts:
        floe = FLOE.replace("ON", on, 1).replace("RETRIES", str(retries)) + more
        folder = write_product(floe=floe, manifest=MANIFEST, **models)
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return compiled


def run(artifacts: CompiledArtifacts, run_id: str = "r", attempt: int = 1) -> bool:
    request = BuildRequest(job="shop", run_id=run_id, attempt=attempt)
    end = list(build(artifacts, request))[-1]
    assert isinstance(end, BuildEnded)
    return end.succeeded


def floe(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, [*words], catch_exceptions=False)
    return done.exit_code, done.stdout


def test_a_failed_run_is_told_once_with_what_failed_and_who_owns_it(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=FIRST, broken=BROKEN, below="select * from {{ ref('broken') }}")
    assert not run(artifacts)
    assert receiver.wait_for(1) == ["shop: run failed"]
    [alert] = receiver.posted
    assert alert["type"] == "failure"
    headline, error, *rest = alert["message"].splitlines()
    assert headline == "2 of 3 nodes: 1 error, 1 skipped"
    assert error.startswith("model.shop.broken: Catalog Error: Scalar Function with name no_such_f")
    assert rest == ["", "product: shop", "job: shop", "owner: data@example.com", "run: r"]


def test_alerts_that_are_switched_off_are_not_even_written(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop(first=FIRST, broken=BROKEN)
    monkeypatch.setenv("FLOE_ALERTS_DISABLED", "true")
    assert not run(artifacts)
    monkeypatch.delenv("FLOE_ALERTS_DISABLED")
    assert CliRunner().invoke(app, ["alerts", "flush", str(artifacts.folder)]).exit_code == 0
    assert receiver.posted == []


def test_a_green_run_tells_nothing_and_starts_no_sender(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=FIRST)
    assert run(artifacts)
    assert receiver.wait_for(1, seconds=1) == []
    assert not (artifacts.folder / ".floe" / "alerts" / "targets").exists()


def test_an_attempt_that_a_retry_follows_is_told_when_it_is_over_only(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(retries=1, first=FIRST, broken=BROKEN)
    assert not run(artifacts)
    assert receiver.wait_for(1, seconds=1) == []
    assert not run(artifacts, attempt=2)
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_a_failed_test_that_no_retry_follows_is_told_at_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver, tmp_path: Path
) -> None:
    artifacts = shop(retries=1, first="{{ config(materialized='table') }} select -1 as id")
    test = artifacts.folder / "tests" / "is_good.sql"
    test.parent.mkdir()
    test.write_text("select * from {{ ref('first') }} where id < 0")
    compile_product(artifacts.folder)
    assert not run(CompiledArtifacts.load(artifacts.folder))
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_a_run_that_a_retry_saved_is_a_warning(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(retries=1, first=FIRST, flaky=FLAKY)
    assert [run(artifacts), run(artifacts, attempt=2)] == [False, True]
    assert receiver.wait_for(1) == ["shop: run succeeded with warnings"]
    assert receiver.posted[0]["message"].startswith("It took more than one attempt.")


def test_the_first_green_run_after_a_red_one_is_a_recovery(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=AS_LONG_AS.format("numbers.csv"))
    assert not run(artifacts, "r1")
    (artifacts.folder / "numbers.csv").write_text("id\n1\n")
    assert [run(artifacts, "r2"), run(artifacts, "r3")] == [True, True]
    assert receiver.wait_for(2) == ["shop: run failed", "shop: run succeeded again"]


def test_a_canceled_run_is_told(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(retries=3, first=FIRST, second="select * from {{ ref('first') }}")
    with closing(build(artifacts, BuildRequest(job="shop", run_id="r"))) as events:
        next(events)
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_a_run_that_cannot_begin_is_told(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=FIRST)
    with pytest.raises(ValueError, match="has no node"):
        list(build(artifacts, BuildRequest(job="shop", run_id="r", node_ids=("model.shop.x",))))
    assert receiver.wait_for(1) == ["shop: run failed"]
    assert "shop has no node model.shop.x" in receiver.posted[0]["message"]


def test_a_target_is_told_what_it_asked_for_and_the_platform_adds_its_own(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    monkeypatch: pytest.MonkeyPatch,
    write_product: WriteProduct,
) -> None:
    with alert_receiver() as platform:
        monkeypatch.setenv("PLATFORM_ALERTS", platform.url)
        manifest = MANIFEST + "alerts: [{on: [failure], to: 'env:PLATFORM_ALERTS'}]\n"
        floe = FLOE.replace("ON", "[recovery]", 1).replace("RETRIES", "0")
        folder = write_product(floe=floe, manifest=manifest, first=AS_LONG_AS.format("n.csv"))
        compile_product(folder)
        artifacts = CompiledArtifacts.load(folder)
        assert not run(artifacts, "r1")
        (folder / "n.csv").write_text("id\n1\n")
        assert run(artifacts, "r2")
        assert platform.wait_for(1) == ["shop: run failed"]
        assert receiver.wait_for(1) == ["shop: run succeeded again"]


def test_what_a_receiver_that_is_away_does_not_get_it_gets_later_and_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    receiver.close()
    artifacts = shop(first=FIRST, broken=BROKEN)
    assert [run(artifacts, "r1"), run(artifacts, "r2")] == [False, False]
    code, said = floe("alerts", "status", str(artifacts.folder), "--json")
    [target] = json.loads(said)["targets"]
    assert (code, target["target"], target["waiting"]) == (0, "SHOP_ALERTS", 2)
    assert "Connection error" in target["last_failure"]
    code, said = floe("alerts", "flush", str(artifacts.folder), "--timeout", "1")
    assert (code, said.startswith("SHOP_ALERTS: 0 sent, 0 refused, 2 still waiting")) == (3, True)
    receiver.open()
    code, said = floe("alerts", "flush", str(artifacts.folder))
    assert (code, said) == (0, "SHOP_ALERTS: 2 sent, 0 refused, 0 still waiting\n")
    assert receiver.titles == ["shop: run failed", "shop: run failed"]


def test_the_next_run_sends_what_was_left(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    receiver.close()
    artifacts = shop(first=AS_LONG_AS.format("n.csv"), on="[failure]")
    assert not run(artifacts, "r1")
    receiver.open()
    (artifacts.folder / "n.csv").write_text("id\n1\n")
    assert run(artifacts, "r2")
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_a_receiver_that_does_not_answer_delays_a_run_by_seconds_alone(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    is_over = threading.Event()
    receiver.answer = lambda number: 200 if is_over.wait(120) else 500
    artifacts = shop(first=FIRST, broken=BROKEN)
    assert not run(artifacts)
    assert receiver.posted == []
    # Who sends has not given it up by now, as it would after 30 s.
    is_over.set()
    wait_for(lambda: not status(artifacts).waiting, 60)
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_a_refused_alert_is_set_aside_with_the_reason_and_can_be_sent_again(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    receiver.answer = lambda number: 403 if number == 0 else 200
    artifacts = shop(first=FIRST, broken=BROKEN)
    assert not run(artifacts)
    code, said = floe("alerts", "status", str(artifacts.folder))
    assert "1 refused" in said
    assert "error=403" in said
    code, said = floe("alerts", "flush", str(artifacts.folder), "--refused")
    assert (code, said) == (0, "SHOP_ALERTS: 1 sent, 0 refused, 0 still waiting\n")
    assert receiver.titles == ["shop: run failed"]


def test_a_receiver_that_is_broken_for_long_loses_nothing(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    receiver.answer = lambda number: 503 if number < 30 else 200
    artifacts = shop(first=FIRST, broken=BROKEN)
    assert not run(artifacts)
    code, said = floe("alerts", "flush", str(artifacts.folder), "--timeout", "120")
    assert (code, said) == (0, "SHOP_ALERTS: 1 sent, 0 refused, 0 still waiting\n")


def test_a_test_reaches_every_target(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=FIRST)
    for _ in range(2):
        code, said = floe("alerts", "test", str(artifacts.folder))
        assert (code, said) == (0, "SHOP_ALERTS: sent\n")
    assert receiver.titles == ["shop: a test of its alerts"] * 2


@pytest.mark.parametrize("status", [403, 503], ids=["refused", "broken"])
def test_a_test_that_was_not_sent_is_not_kept(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver, status: int
) -> None:
    receiver.answer = lambda number: status
    artifacts = shop(first=FIRST)
    code, said = floe("alerts", "test", str(artifacts.folder), "--timeout", "20")
    assert (code, said.startswith("SHOP_ALERTS: not sent: ")) == (3, True)
    assert f"error={status}" in said
    _, said = floe("alerts", "status", str(artifacts.folder))
    assert "0 waiting, 0 refused" in said
    receiver.answer = lambda number: 200
    assert floe("alerts", "flush", str(artifacts.folder))[0] == 0
    assert receiver.titles == []


def test_a_test_without_a_receiver_says_what_to_set(
    shop: Callable[..., CompiledArtifacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop(first=FIRST)
    monkeypatch.delenv("SHOP_ALERTS", raising=False)
    code, said = floe("alerts", "test", str(artifacts.folder))
    what = "environment variable SHOP_ALERTS is not set"
    assert (code, said) == (3, f"SHOP_ALERTS: not sent: {what}\n")


def test_an_unset_variable_keeps_alerts_and_an_empty_one_switches_them_off(
    shop: Callable[..., CompiledArtifacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop(first=FIRST, broken=BROKEN)
    monkeypatch.delenv("SHOP_ALERTS", raising=False)
    assert not run(artifacts, "r1")
    _, said = floe("doctor", str(artifacts.folder), "--json")
    found = {f["what"] for f in json.loads(said)["findings"] if f["subject"] == "alerts"}
    assert found == {
        "1 alerts wait for SHOP_ALERTS: environment variable SHOP_ALERTS is not set",
        "alerts go to SHOP_ALERTS, which is not set here",
    }
    monkeypatch.setenv("SHOP_ALERTS", "")
    assert not run(artifacts, "r2")
    _, said = floe("alerts", "status", str(artifacts.folder))
    assert "1 waiting, 0 refused (switched off: the variable is empty)" in said


def test_secrets_are_in_no_alert(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", "correct-horse-battery")
    artifacts = shop(first="select no_such('{{ env_var(\"SHOP_PASSWORD\") }}')", on="[failure]")
    assert not run(artifacts)
    assert receiver.wait_for(1) == ["shop: run failed"]
    assert "correct-horse" not in json.dumps(receiver.posted)


def test_two_processes_that_report_one_end_tell_it_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first=FIRST)
    code = (
        "import sys; from floe_core.alerts import RunOutcome, report_run; "
        "from floe_core.schemas import CompiledArtifacts; "
        "report_run(CompiledArtifacts.load(sys.argv[1]), RunOutcome('shop', 'r', False))"
    )
    words = [sys.executable, "-c", code, str(artifacts.folder)]
    both = [subprocess.Popen(words, env=os.environ) for _ in range(3)]
    assert [process.wait() for process in both] == [0, 0, 0]
    assert receiver.wait_for(1) == ["shop: run failed"]


@pytest.mark.timeout(180)
def test_an_answer_that_drips_keeps_neither_a_test_nor_a_flush(
    shop: Callable[..., CompiledArtifacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop(first=FIRST, broken=BROKEN)
    head = b"HTTP/1.1 200 OK\r\n"
    with endless_server(head, b"X: y\r\n") as port:
        monkeypatch.setenv("SHOP_ALERTS", f"json://127.0.0.1:{port}/alerts")
        code, said = floe("alerts", "test", str(artifacts.folder), "--timeout", "2")
        assert (code, said) == (3, "SHOP_ALERTS: not sent: it was not sent within 2 s\n")
        assert not run(artifacts)
        monkeypatch.setattr("floe_core.alerts.alert_channel.LONGEST_SECONDS", 2)
        code, said = floe("alerts", "flush", str(artifacts.folder), "--timeout", "1")
    assert (code, said.partition(":")[0]) == (3, "SHOP_ALERTS")


def test_a_recovery_is_told_after_the_folder_of_the_failed_run_was_removed(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(first="select no_such_function(1) as id")
    assert not run(artifacts, "failed")
    assert receiver.wait_for(1) == ["shop: run failed"]
    shutil.rmtree(runs_place(artifacts.folder))
    (artifacts.folder / "models" / "first.sql").write_text(FIRST)
    compile_product(artifacts.folder)
    assert run(CompiledArtifacts.load(artifacts.folder), "green")
    assert receiver.wait_for(2) == ["shop: run failed", "shop: run succeeded again"]


@pytest.mark.timeout(180)
def test_of_an_answer_of_gigabytes_to_an_alert_the_beginning_is_read(
    shop: Callable[..., CompiledArtifacts], monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = shop(first=FIRST)
    with endless_server(part=b" " * 65536, pause=0) as port:
        monkeypatch.setenv("SHOP_ALERTS", f"json://127.0.0.1:{port}/alerts")
        code, said = floe("alerts", "test", str(artifacts.folder), "--timeout", "60")
    assert (code, said) == (0, "SHOP_ALERTS: sent\n")


def test_a_receiver_that_says_when_to_come_again_is_not_asked_before(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    receiver.answer = lambda number: 200 if number else 429
    receiver.headers = {"Retry-After": "8"}
    artifacts = shop(first=FIRST, broken=BROKEN)
    assert not run(artifacts)
    code, said = floe("alerts", "flush", str(artifacts.folder), "--timeout", "1")
    assert (code, receiver.requests) == (3, 1)
    assert "error=429" in said
    code, said = floe("alerts", "flush", str(artifacts.folder), "--timeout", "30")
    assert (code, receiver.titles) == (0, ["shop: run failed"])


def test_a_full_disk_of_the_state_loses_no_alert_and_no_recovery(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifacts = shop(first=FIRST)
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("FLOE_STATE_DIR", str(disk))
        assert run(artifacts, "before")
        ballast = fill(disk)
        with pytest.raises(OSError, match="No space left on device"):
            run(artifacts, "full")
        assert receiver.wait_for(1) == ["shop: run failed"]
        assert "No space left on device" in receiver.posted[0]["message"]
        ballast.unlink()
        assert run(artifacts, "after")
        assert receiver.wait_for(2) == ["shop: run failed", "shop: run succeeded again"]


@pytest.mark.parametrize("looks_by_itself", [False, True])
def test_what_a_full_disk_and_a_receiver_that_is_away_did_not_take_is_told_later(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    looks_by_itself: bool,
) -> None:
    artifacts = shop(first=FIRST)
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("FLOE_STATE_DIR", str(disk))
        assert run(artifacts, "before")
        ballast = fill(disk)
        receiver.close()
        for run_id in ("full", "full/again"):
            with pytest.raises(OSError, match="No space left on device"):
                run(artifacts, run_id)
        ballast.unlink()
        receiver.open()
        if looks_by_itself:
            assert floe("alerts", "check", str(artifacts.folder))[0] == 0
            assert receiver.wait_for(2) == ["shop: run failed"] * 2
        assert run(artifacts, "after")
        told = ["shop: run failed", "shop: run failed", "shop: run succeeded again"]
        assert receiver.wait_for(3) == told
        runs = [each["message"].splitlines()[-1] for each in receiver.posted]
        assert runs == ["run: full", "run: full/again", "run: after"]
        assert floe("alerts", "check", str(artifacts.folder))[0] == 0
        assert receiver.wait_for(3) == told


def test_a_state_folder_that_cannot_be_made_loses_no_alert(
    shop: Callable[..., CompiledArtifacts],
    receiver: AlertReceiver,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    artifacts = shop(first=FIRST)
    (tmp_path / "file").touch()
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "file"))
    with pytest.raises(EnvironmentProblemError, match="cannot be written"):
        run(artifacts)
    assert receiver.wait_for(1) == ["shop: run failed"]


def test_the_files_of_the_page_compile_to_rules(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    own, platform, *_ = blocks
    head = FLOE.partition("alerts:")[0].replace("RETRIES", "0")
    hourly = "jobs: [{name: hourly, select: first}]\n"
    folder = write_product(floe=head + hourly + own, manifest=MANIFEST + platform, first=FIRST)
    compile_product(folder)
    found = [(each.on, each.to, each.jobs) for each in CompiledArtifacts.load(folder).alerts]
    assert found == [
        (("failure",), "{{ env_var('PLATFORM_ALERTS_URL') }}", ()),
        (("failure", "recovery"), "{{ env_var('SHOP_SLACK_URL') }}", ()),
        (("failure",), "{{ env_var('SHOP_PAGER_URL') }}", ("hourly",)),
    ]


def test_what_is_wrong_with_alerts_is_said_together(shop: Callable[..., CompiledArtifacts]) -> None:
    more = "  - {on: [failure], to: 'slack://TokenA/TokenB/TokenC', jobs: [shup]}\n"
    with pytest.raises(InvalidProductError) as raised:
        shop(more=more, first=FIRST)
    assert str(raised.value) == (
        "floe.yaml:8:25: alerts.1.to: the target is written out, and its URL is a secret\n"
        "fix: take it from the environment: \"{{ env_var('NAME') }}\"\n\n"
        "floe.yaml:8:64: alerts.1.jobs: there is no job 'shup'\n"
        "fix: did you mean 'shop'?"
    )
