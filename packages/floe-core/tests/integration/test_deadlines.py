"""Deadlines of jobs: missed ones are told once, counted by a receiver that knows nothing of floe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alert_receiver import AlertReceiver
from typer.testing import CliRunner

from floe_core.alerts import RunOutcome, flush, report_lateness, report_run, status
from floe_core.cli.main import app
from floe_core.compiler import compile_product
from floe_core.execution import BuildEnded, BuildRequest, build
from floe_core.foundation.errors import InvalidProductError, StaleProductError
from floe_core.runs.build_events import NodeResult
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schedules.ownership import first_owner
from floe_core.schemas import CompiledArtifacts
from floe_core.schemas.policies import Deadline

WriteProduct = Callable[..., Path]
PAGE = Path(__file__).parents[4] / "docs" / "alerts.md"
LATE = "shop: deadline missed"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FLOE = """\
apiVersion: floe.dev/v1
kind: FloeSpec
metadata: {name: shop, version: 1.0.0, owner: data@example.com}
platform: {manifest: manifest.yaml}
alerts:
  - {on: ON, to: "{{ env_var('SHOP_ALERTS') }}"}
"""
MANIFEST = """\
apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: platform, version: 1.0.0}
plugins: {orchestrator: {type: plain}, compute: {type: duckdb}}
defaults: {timezone: Asia/Tokyo}
environments:
  quiet: {schedules: {enabled: false}}
"""
MODELS = {"first": "select 1 as id", "second": "select * from {{ ref('first') }}"}
# Looks at a product's deadlines, as any watcher does.
WATCHER = """\
import sys
from datetime import UTC, datetime
from floe_core.alerts import report_lateness
from floe_core.schemas import CompiledArtifacts
report_lateness(CompiledArtifacts.load(sys.argv[1]), known_since=datetime(2020, 1, 1, tzinfo=UTC))
"""


def passed(minutes: int) -> datetime:
    """Return the full minute that was so many minutes ago."""
    return datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=minutes)


@pytest.fixture
def shop(write_product: WriteProduct) -> Callable[..., CompiledArtifacts]:
    def compiled(
        deadline: datetime, more: str = "", on: str = "[failure, lateness]"
    ) -> CompiledArtifacts:
        text = FLOE.replace("ON", on, 1) + f'deadline: "{deadline:%H:%M} UTC"\n{more}'
        folder = write_product(floe=text, manifest=MANIFEST, **MODELS)
        compile_product(folder)
        return CompiledArtifacts.load(folder)

    return compiled


def run(artifacts: CompiledArtifacts, *node_ids: str) -> None:
    request = BuildRequest(job="shop", run_id="r", node_ids=node_ids or None)
    end = list(build(artifacts, request))[-1]
    assert isinstance(end, BuildEnded)
    assert end.succeeded


def look(artifacts: CompiledArtifacts) -> None:
    report_lateness(artifacts, lambda job: False, known_since=LONG_AGO)


def test_a_deadline_that_no_run_met_is_told_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    deadline = passed(3)
    artifacts = shop(deadline)
    for _ in range(3):
        look(artifacts)
    assert receiver.wait_for(1) == [LATE]
    [alert] = receiver.posted
    assert alert["type"] == "failure"
    assert alert["message"].splitlines() == [
        "No run of the whole job has succeeded in time.",
        "No run is under way.",
        "",
        "product: shop",
        "job: shop",
        "owner: data@example.com",
        f"deadline: {deadline:%Y-%m-%d %H:%M} UTC",
        "last successful run ended: none is known",
    ]


def test_a_deadline_of_a_job_of_another_orchestrator_is_told_there(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(passed(3))
    schedules = JobSchedules(artifacts)
    schedules.change_owner("shop", None, first_owner("another"))
    look(artifacts)
    assert receiver.wait_for(1, seconds=1) == []
    schedules.change_owner("shop", first_owner("another"), first_owner("plain"))
    look(artifacts)
    assert receiver.wait_for(1) == [LATE]


def test_watchers_that_look_at_once_tell_once(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(passed(3))
    words = [sys.executable, "-c", WATCHER, str(artifacts.folder)]
    watchers = [subprocess.Popen(words) for _ in range(4)]
    assert [each.wait(120) for each in watchers] == [0] * 4
    assert receiver.wait_for(2, seconds=3) == [LATE]


def test_a_deadline_is_watched_from_the_first_look_on(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(passed(3))
    assert [state.missed for state in report_lateness(artifacts)] == [None]
    assert receiver.wait_for(1, seconds=1) == []


@pytest.mark.parametrize("minutes", [4, 2])
def test_a_run_before_the_deadline_meets_it_and_one_after_it_is_late(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver, minutes: int
) -> None:
    artifacts = shop(passed(3))
    ids = [node.unique_id for node in artifacts.runnable]
    results = {each: NodeResult(each, "success") for each in ids}
    end = passed(minutes)
    report_run(artifacts, RunOutcome("shop", "r", True, results, ended_at=end))
    look(artifacts)
    assert receiver.wait_for(1, seconds=2) == ([] if minutes == 4 else [LATE])
    if receiver.posted:
        shown = f"last successful run ended: {end:%Y-%m-%d %H:%M} UTC"
        assert receiver.posted[0]["message"].splitlines()[-1] == shown


def test_a_build_meets_the_next_deadline_unless_it_built_a_part(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    deadline = passed(-30)
    artifacts = shop(deadline)
    file = artifacts.folder / ".floe" / "alerts" / "deadlines" / "shop.json"
    run(artifacts, "model.shop.first")
    assert json.loads(file.read_text())["met"] == []
    run(artifacts)
    assert json.loads(file.read_text())["met"] == []  # The same run is reported once.
    request = BuildRequest(job="shop", run_id="whole")
    assert list(build(artifacts, request))[-1] == BuildEnded(succeeded=True)
    assert json.loads(file.read_text())["met"] == [deadline.isoformat()]


def test_a_schedule_that_has_no_tick_or_is_off_is_never_late(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hours_ago = passed(3) - timedelta(hours=2)
    cron = f"{hours_ago.minute} {hours_ago.hour} * * *"
    artifacts = shop(passed(3), f'schedule: {{cron: "{cron}", timezone: UTC}}\n')
    schedules = JobSchedules(artifacts)
    schedules.set("shop", "0 0 1 1 *" if passed(3).month != 1 else "0 0 1 7 *", "UTC")
    look(artifacts)
    schedules.reset("shop")
    schedules.pause("shop")
    look(artifacts)
    schedules.reset("shop")
    monkeypatch.setenv("FLOE_ENV", "quiet")
    look(CompiledArtifacts.load(artifacts.folder))
    assert receiver.wait_for(1, seconds=1) == []
    monkeypatch.delenv("FLOE_ENV")
    look(artifacts)
    assert receiver.wait_for(1) == [LATE]


def test_an_alert_of_lateness_waits_for_a_receiver_that_is_away(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    artifacts = shop(passed(3))
    receiver.close()
    look(artifacts)
    assert status(artifacts).waiting == 1
    receiver.open()
    flush(artifacts, 20)
    look(artifacts)
    assert receiver.wait_for(2, seconds=1) == [LATE]


def test_the_command_says_which_jobs_are_late_and_tells_it(
    shop: Callable[..., CompiledArtifacts], receiver: AlertReceiver
) -> None:
    deadline = passed(3)
    artifacts = shop(deadline)

    def check(*words: str) -> str:
        place = str(artifacts.folder)
        done = CliRunner().invoke(app, ["alerts", "check", place, *words], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    assert check() == "shop: not late\n"
    # As if it had been checked for years.
    file = artifacts.folder / ".floe" / "alerts" / "deadlines" / "shop.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "since": LONG_AGO.isoformat()}))
    [first] = json.loads(check("--json"))["jobs"]
    assert first == {
        "job": "shop",
        "is_late": True,
        "missed": deadline.isoformat(),
        "is_new": True,
        "last_end": None,
    }
    assert check() == f"shop: missed {deadline:%Y-%m-%d %H:%M} UTC; alert already sent\n"
    assert receiver.wait_for(2, seconds=2) == [LATE]


def test_deadlines_that_are_none_are_told_with_their_places(write_product: WriteProduct) -> None:
    more = """\
deadline: "7:30 Europe/London"
jobs:
  - {name: hourly, select: first, deadline: "07:30 Europe/Lodnon"}
  - {name: daily, select: second, deadline: 24:00}
  - {name: weekly, select: second, deadline: 17:30}
"""
    floe = FLOE.replace("ON", "[lateness]") + more
    folder = write_product(floe=floe, manifest=MANIFEST, **MODELS)
    with pytest.raises(InvalidProductError) as raised:
        compile_product(folder)
    fix = 'write hours and minutes, and a time zone: "07:30 Europe/London"'
    places = [(each.line, each.column, each.what, each.fix) for each in raised.value.problems]
    zone = "no time zone named 'Europe/Lodnon'; did you mean Europe/London or Europe/Lisbon or Europe/Oslo?"
    assert places == [
        (7, 11, "deadline: '7:30' is not a time of day", fix),
        (9, 45, f"jobs.0.deadline: {zone}", ""),
        (10, 45, "jobs.1.deadline: '24:00' is not a time of day", fix),
    ]


def test_a_deadline_without_a_zone_has_the_manifests_and_somebody_is_to_be_told(
    write_product: WriteProduct,
) -> None:
    text = FLOE.replace("ON", "[failure]") + 'deadline: "07:30"\n'
    folder = write_product(floe=text, manifest=MANIFEST)
    notices: list[str] = []
    artifacts = compile_product(folder, on_notice=notices.append)
    deadline = artifacts.job("shop").deadline
    assert deadline is not None
    assert (deadline.time, deadline.timezone) == ("07:30", "Asia/Tokyo")
    assert notices == [
        "job 'shop' has a deadline, but no alert reports when it is missed: add `lateness` to `on` "
        "of an entry of `alerts`"
    ]


def test_the_deadlines_of_the_page_compile(write_product: WriteProduct) -> None:
    section = PAGE.read_text().partition("## Deadlines")[2]
    block, *_ = re.findall(r"^```yaml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    marts = "{{ config(tags='mart') }} select 1 as id"
    folder = write_product(floe=FLOE.partition("alerts:")[0] + block, manifest=MANIFEST, mart=marts)
    jobs = compile_product(folder).jobs
    assert [(job.name, job.deadline and job.deadline.model_dump()) for job in jobs] == [
        ("shop", {"time": "07:30", "timezone": "Europe/London"}),
        ("marts", {"time": "10:00", "timezone": "UTC"}),
    ]


def test_a_zone_that_is_not_known_where_it_runs_is_told_at_load(
    shop: Callable[..., CompiledArtifacts],
) -> None:
    artifacts = shop(passed(3))
    gone = artifacts.job("shop").model_copy(
        update={"deadline": Deadline(time="07:30", timezone="Mars/Olympus")}
    )
    with pytest.raises(StaleProductError) as raised:
        with_live_schedules(artifacts.model_copy(update={"jobs": (gone,)}))
    assert "the deadline of job 'shop': no time zone named 'Mars/Olympus'" in str(raised.value)
