"""`floe schedule` and `floe ticks --on`, as people and programs call them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from warm_floe import floe

from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import first_owner
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module", params=["dagster", "airflow"])
def hello(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return `examples/hello`, compiled for an orchestrator that does not run here."""
    folder = tmp_path_factory.mktemp(request.param) / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".floe", "target", "logs"))
    done = floe("compile", folder / "hello", "--on", request.param)
    assert done.returncode == 0, done.stderr
    return folder / "hello"


def schedule(product: Path, *arguments: str) -> dict[str, object]:
    """Change the schedule; return what holds then, its times left out."""
    verb, *rest = arguments
    done = floe("schedule", verb, product, *rest, "--json")
    assert done.returncode == 0, done.stderr
    row = json.loads(done.stdout)
    assert (row["next_tick"] is not None) == bool(row["enabled"])
    return {name: row[name] for name in ("job", "cron", "timezone", "enabled")}


def test_a_schedule_is_set_paused_resumed_taken_away_and_given_back(hello: Path) -> None:
    rule = {"job": "hello", "cron": "30 2 * * *", "timezone": "Europe/Dublin", "enabled": True}
    set_ = ("set", "--cron", "30 2 * * *", "--timezone", "Europe/Dublin")
    assert schedule(hello, *set_) == rule
    assert schedule(hello, "pause") == {**rule, "enabled": False}
    assert schedule(hello, "resume") == rule
    assert schedule(hello, "unset") == {**dict.fromkeys(rule), "job": "hello"}
    given_back = {"job": "hello", "cron": "0 6 * * *", "timezone": "Europe/London", "enabled": True}
    assert schedule(hello, "unset", "--reset") == given_back


def test_the_list_the_ticks_and_show_go_by_what_was_set(hello: Path) -> None:
    schedule(hello, "set", "--cron", "15 4 * * *")
    # As `floe show` prints ticks.
    lines = floe("schedule", "list", hello).stdout.splitlines()
    shown = r"  next tick: [A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d \S+, \d\d:\d\d UTC"
    assert re.fullmatch(shown, lines[1])
    listed = json.loads(floe("schedule", "list", hello, "--json").stdout)
    assert [(row["job"], row["cron"], row["set_in"]) for row in listed] == [
        ("hello", "15 4 * * *", str(hello / "schedules.json"))
    ]
    ticks = floe("ticks", hello, "--from", "2026-07-01", "--to", "2026-07-02", "--json")
    assert json.loads(ticks.stdout) == ["2026-07-01T04:15:00+00:00"]
    [job] = json.loads(floe("show", hello, "--json").stdout)["jobs"]
    assert (job["schedule"]["cron"], job["next_ticks"][0]) == ("15 4 * * *", listed[0]["next_tick"])
    assert explained(hello) == "15 4 * * * in UTC"
    schedule(hello, "pause")
    assert explained(hello) == "15 4 * * * in UTC (disabled)"
    schedule(hello, "unset", "--reset")


def test_all_that_shows_a_job_says_which_other_orchestrator_runs_it(hello: Path) -> None:
    schedules = JobSchedules(CompiledArtifacts.load(hello))
    schedules.change_owner("hello", None, first_owner("another"))
    who = "another runs it, since move 1"
    assert explained(hello) == f"0 6 * * * in Europe/London ({who})"
    assert f"0 6 * * * in Europe/London ({who})" in floe("show", hello).stdout
    found = json.loads(floe("doctor", hello, "--json").stdout)["findings"]
    owners = [each["what"] for each in found if each["subject"] == "owner"]
    assert owners == [f"job hello is not started here: {who}"]
    first, *_ = floe("schedule", "list", hello).stdout.splitlines()
    assert first == (
        "hello: 0 6 * * * in Europe/London (set in floe.yaml), another runs it, since move 1"
    )
    [row] = json.loads(floe("schedule", "list", hello, "--json").stdout)
    assert (row["enabled"], row["next_tick"], row["why_not_here"]) == (
        False,
        None,
        "another runs it, since move 1",
    )
    schedules.change_owner("hello", first_owner("another"), None)


def explained(product: Path) -> str:
    """Return the schedules as `floe explain` shows them."""
    concepts = json.loads(floe("explain", product, "--json").stdout)["concepts"]
    return next(each["here"] for each in concepts if each["name"] == "schedule")


def test_a_job_that_is_not_compiled_yet_is_an_error_of_the_caller(hello: Path) -> None:
    spec = hello / "floe.yaml"
    before = spec.read_text()
    spec.write_text(
        f"{before}\njobs:\n  - name: nightly\n    select: people\n"
        '    schedule: {cron: "0 2 * * *", timezone: UTC}\n'
    )
    orchestrator = json.loads((hello / "compiled_artifacts.json").read_text())["orchestrator"]
    span = ("--from", "2026-07-01", "--to", "2026-07-02")
    done = floe("ticks", hello, "--job", "nightly", *span, "--on", orchestrator["name"])
    spec.write_text(before)
    assert done.returncode == 2, done.stderr
    assert "the job 'nightly' is not compiled yet; run `floe compile`" in done.stderr
    assert "Traceback" not in done.stderr


def test_all_that_is_wrong_is_told_and_is_the_callers_fault(hello: Path) -> None:
    done = floe("schedule", "set", hello, "--cron", "61 * * * *", "--timezone", "europe/london")
    name = json.loads((hello / "compiled_artifacts.json").read_text())["orchestrator"]["name"]
    assert (done.returncode, done.stderr.splitlines()) == (
        2,
        [
            f"changing the schedule on {name}",
            "cron expression '61 * * * *': minute '61' is out of range; write a number from 0 to 59",
            "no time zone named 'europe/london'; did you mean Europe/London?",
        ],
    )
    done = floe("schedule", "pause", hello, "--job", "helo")
    assert (done.returncode, done.stderr.splitlines()[1:]) == (
        2,
        ["hello has no job 'helo'; did you mean 'hello'? its jobs are hello"],
    )


def test_a_product_that_is_not_compiled_is_told_so(tmp_path: Path) -> None:
    done = floe("schedule", "list", tmp_path)
    assert done.returncode == 1
    assert "fix: run `floe compile`" in done.stderr


SPAN = ("--from", "2026-03-28", "--to", "2026-03-31")
DUBLIN = ("--cron", "30 1 * * *", "--timezone", "Europe/Dublin")


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_the_orchestrators_ticks_are_a_plain_list(orchestrator: str) -> None:
    done = floe("ticks", *DUBLIN, *SPAN, "--on", orchestrator, "--json")
    assert json.loads(done.stdout) == [
        "2026-03-28T01:30:00+00:00",
        "2026-03-29T01:00:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]


def test_for_people_they_stand_beside_ours_with_the_clock_change_explained() -> None:
    done = floe("ticks", *DUBLIN, *SPAN, "--on", "dagster")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            "30 1 * * * in Europe/Dublin: 3 ticks",
            "  Sat 2026-03-28 01:30 GMT   2026-03-28 01:30 UTC",
            "  Sun 2026-03-29 02:00 IST   2026-03-29 01:00 UTC   clock change",
            "  Mon 2026-03-30 01:30 IST   2026-03-30 00:30 UTC",
            "Sun 2026-03-29: clocks go forward from 01:00 to 02:00; 01:30 does not exist: one tick at "
            "02:00, the first moment after the gap",
            "dagster computes the same 3 ticks",
        ],
    )
