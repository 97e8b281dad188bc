"""A product that `flow.py` serves from a Prefect server that runs, as a user does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from free_port import free_port
from prefect import __version__ as prefect_version
from running_prefect import RunningPrefect
from served_product import compile_served_product, lineage, nominal_times
from wait_for import wait_for
from what_works_at import processes_at

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import RunningSchedule
from floe_core.plugin_interfaces import ValidationResult
from floe_core.schedules import next_tick
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect import PrefectPlugin

# Prefect ticks otherwise when the clocks change, and so gets dates, 380 in a schedule.
DATES = ("30 2 * * *", "America/New_York", ["dates", "dates"])


class Served:
    """A running server, the product that is served there, and a plugin aimed at both."""

    def __init__(self, prefect: RunningPrefect, product: CompiledArtifacts) -> None:
        assert product.project_dir is not None
        self.prefect, self.product, self.folder = prefect, product, product.project_dir
        self.plugin = plugin_of(prefect.url, product)

    def schedules(self, deployment: str = "web-shop/floe") -> list[str]:
        """Return the schedules that the server has, in words."""
        return [in_words(one) for one in self.prefect.deployment(deployment)["schedules"]]

    def told(self, job: str = "web-shop") -> RunningSchedule | None:
        return self.plugin.running_schedule(self.product, job)

    def scheduled_runs(self) -> dict[datetime, str]:
        """Return tick -> state of the runs of `good` that its schedule started."""
        return {
            datetime.fromisoformat(run["expected_start_time"]): run["state"]["name"]
            for run in self.prefect.runs("web-shop.good")
            if run["auto_scheduled"]
        }


def plugin_of(url: str, product: CompiledArtifacts) -> PrefectPlugin:
    plugin = PrefectPlugin()
    plugin.configure({"url": url})
    plugin.create_definitions(product)
    return plugin


def in_words(schedule: dict[str, Any]) -> str:
    rule = schedule["schedule"]
    name = f"{rule['cron']} in {rule['timezone']}" if "cron" in rule else "dates"
    return name if schedule["active"] else f"{name}, held back"


def expected(cron: str, zone: str) -> RunningSchedule:
    return RunningSchedule(next_tick(cron, zone, datetime.now(UTC)), is_enabled=True)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Not yet: `serving` serves it."""
    prefect = RunningPrefect(tmp_path_factory.mktemp("running-prefect"))
    product = compile_served_product(prefect.folder / "shop", "prefect", prefect.url)
    with prefect.up():
        yield Served(prefect, product)
    assert processes_at(prefect.folder) == []


@pytest.fixture(scope="module")
def serving(served: Served) -> Iterator[Served]:
    with served.prefect.serving(served.folder):
        yield served


def test_each_job_is_a_deployment_with_its_schedule(serving: Served) -> None:
    flows = ("web-shop", "web-shop.good", "web-shop.bad", "web-shop.hanging")
    found = {flow: serving.prefect.deployment(f"{flow}/floe") for flow in flows}
    assert {flow: serving.schedules(f"{flow}/floe") for flow in flows} == {
        "web-shop": ["0 6 * * * in Europe/London"],
        "web-shop.good": [],
        "web-shop.bad": [],
        "web-shop.hanging": [],
    }
    assert {
        (*one["tags"], one["version"], one["paused"], one["description"])
        for flow, one in found.items()
    } == {
        ("web-shop", "1.0.0", False, f"The job {job} of web-shop.")
        for job in ("web-shop", "good", "bad", "hanging")
    }


@pytest.fixture(scope="module")
def ended(serving: Served) -> dict[str, str]:
    """Job -> id of a run that was started from the server and is over."""
    runs = {job: serving.prefect.trigger(f"web-shop.{job}/floe") for job in ("good", "bad")}
    for run_id in runs.values():
        serving.prefect.ended(run_id)
    return runs


@pytest.mark.slow
def test_a_run_from_the_server_builds(serving: Served, ended: dict[str, str]) -> None:
    state = serving.prefect.run(ended["good"])["state"]["name"]
    assert state == "Completed", serving.prefect.logs()
    assert serving.prefect.tasks(ended["good"]) == {
        "dbt_build": "Completed",
        "first": "Completed",
        "not_null_first_id": "Completed",
        "ticks": "Completed",
    }
    # Somebody started it: it is for no tick.
    assert nominal_times(serving.product) == [""]


@pytest.mark.slow
def test_a_run_from_the_server_in_which_a_model_fails_has_failed(
    serving: Served, ended: dict[str, str]
) -> None:
    assert serving.prefect.run(ended["bad"])["state"]["name"] == "Failed"
    assert serving.prefect.tasks(ended["bad"]) == {
        "dbt_build": "Failed",
        "aside": "Completed",
        "bad": "Failed",
        "after_bad": "Skipped",
    }


@pytest.mark.slow
def test_a_run_that_is_canceled_from_the_server_leaves_no_process_and_nothing_green(
    serving: Served,
) -> None:
    before = len(lineage(serving.product))
    run_id = serving.prefect.trigger("web-shop.hanging/floe")
    wait_for(lambda: serving.prefect.tasks(run_id).get("hanging") == "Running", 60)
    serving.prefect.cancel(run_id)
    assert serving.prefect.ended(run_id) == "Cancelled"
    assert processes_at(serving.folder, but="python flow.py") == []
    assert serving.prefect.tasks(run_id) == {
        # Prefect's own word for a task that was ended by a signal.
        "dbt_build": "Crashed",
        "first": "Completed",
        "not_null_first_id": "Completed",
        "hanging": "Cancelled",
        "after_hanging": "Cancelled",
    }
    told = lineage(serving.product)[before:]
    assert Counter((event["job"]["name"], event["eventType"]) for event in told) == {
        ("web-shop", "START"): 1,
        ("web-shop", "ABORT"): 1,
        ("web-shop.model.first", "START"): 1,
        ("web-shop.model.first", "COMPLETE"): 1,
        ("web-shop.test.not_null_first_id", "START"): 1,
        ("web-shop.test.not_null_first_id", "COMPLETE"): 1,
        ("web-shop.model.hanging", "START"): 1,
        ("web-shop.model.hanging", "ABORT"): 1,
        ("web-shop.model.after_hanging", "START"): 1,
        ("web-shop.model.after_hanging", "ABORT"): 1,
    }


@pytest.mark.parametrize(
    ("cron", "zone", "on_the_server"),
    [
        ("5 4 * * *", "Africa/Cairo", ["5 4 * * * in Africa/Cairo"]),
        ("0 * * * *", "America/New_York", ["0 * * * * in UTC"]),
        DATES,
        ("@weekly", "Asia/Kolkata", ["@weekly in Asia/Kolkata"]),
    ],
)
def test_the_server_takes_up_a_schedule_and_the_plugin_tells_it(
    cron: str, zone: str, on_the_server: list[str], serving: Served
) -> None:
    serving.plugin.schedule_job("web-shop", cron, zone)
    assert serving.schedules() == on_the_server
    assert serving.told() == expected(cron, zone)
    assert serving.told("good") == RunningSchedule(None, is_enabled=False)


def test_pausing_resuming_removing_and_resetting_take_effect(serving: Served) -> None:
    cron, zone, _ = DATES
    nothing = RunningSchedule(None, is_enabled=False)
    serving.plugin.schedule_job("web-shop", cron, zone)
    serving.plugin.pause("web-shop")
    assert (serving.schedules(), serving.told()) == (["dates, held back"] * 2, nothing)
    serving.plugin.resume("web-shop")
    assert (serving.schedules(), serving.told()) == (["dates"] * 2, expected(cron, zone))
    serving.plugin.unschedule_job("web-shop")
    assert (serving.schedules(), serving.told()) == ([], nothing)
    serving.plugin.reset_schedule("web-shop")
    assert serving.schedules() == ["0 6 * * * in Europe/London"]
    assert serving.told() == expected("0 6 * * *", "Europe/London")


@pytest.mark.parametrize("slug", ["mine", None])
def test_what_somebody_added_in_prefects_pages_goes_with_the_next_change(
    slug: str | None, serving: Served
) -> None:
    place = f"/deployments/{serving.prefect.deployment('web-shop/floe')['id']}/schedules"
    theirs = {"schedule": {"cron": "1 1 * * *", "timezone": "UTC"}, "active": True, "slug": slug}
    serving.prefect.request("POST", place, [theirs])
    assert "1 1 * * * in UTC" in serving.schedules()
    serving.plugin.schedule_job("web-shop", "7 7 * * *", "UTC")
    assert serving.schedules() == ["7 7 * * * in UTC"]


def test_a_deployment_that_is_paused_in_prefects_pages_ticks_no_more(serving: Served) -> None:
    place = f"/deployments/{serving.prefect.deployment('web-shop/floe')['id']}"
    serving.plugin.schedule_job("web-shop", "7 7 * * *", "UTC")
    serving.prefect.request("PATCH", place, {"paused": True})
    assert serving.told() == RunningSchedule(None, is_enabled=False)
    serving.prefect.request("PATCH", place, {"paused": False})
    assert serving.told() == expected("7 7 * * *", "UTC")


def test_a_deployment_that_is_paused_in_prefects_pages_stays_so_when_it_is_served_again(
    serving: Served,
) -> None:
    place = f"/deployments/{serving.prefect.deployment('web-shop.good/floe')['id']}"
    serving.prefect.request("PATCH", place, {"paused": True})
    with serving.prefect.serving(serving.folder):
        found = {
            name: serving.prefect.deployment(f"{name}/floe")["paused"]
            for name in ("web-shop", "web-shop.good")
        }
    serving.prefect.request("PATCH", place, {"paused": False})
    assert found == {"web-shop": False, "web-shop.good": True}


def test_a_server_without_the_product_is_an_error_and_the_schedule_is_stored(
    serving: Served,
) -> None:
    stranger = compile_served_product(serving.prefect.folder / "other", "prefect", "http://x/api")
    text = (serving.prefect.folder / "other" / "compiled_artifacts.json").read_text()
    renamed = text.replace('"web-shop"', '"other-shop"')
    (serving.prefect.folder / "other" / "compiled_artifacts.json").write_text(renamed)
    plugin = plugin_of(serving.prefect.url, CompiledArtifacts.load(stranger.project_dir))
    with pytest.raises(EnvironmentProblemError) as caught:
        plugin.schedule_job("other-shop", "7 7 * * *", "UTC")
    assert str(caught.value) == (
        f"the change is stored in {stranger.project_dir}/schedules.json, but not applied: Prefect "
        f"at {serving.prefect.url} has no deployment other-shop/floe; run `python flow.py` "
        "in the compiled folder, or deploy it to a work pool"
    )
    assert (serving.prefect.folder / "other" / "schedules.json").exists()


def test_the_connection_check_tells_the_server_and_one_that_is_gone(serving: Served) -> None:
    told = f"Prefect {prefect_version} at {serving.prefect.url} is running and healthy"
    found = serving.plugin.validate_connection()
    assert (found.success, found.message) == (True, told)
    gone = f"http://127.0.0.1:{free_port()}/api"
    told = plugin_of(gone, serving.product).validate_connection()
    assert told == ValidationResult(
        False,
        f"no answer from Prefect at {gone}",
        [
            f"{gone}/health: connection refused: nothing listens there; start `prefect server "
            "start`, or set plugins.orchestrator.config.url"
        ],
    )
    assert plugin_of(gone, serving.product).running_schedule(serving.product, "web-shop") is None


@pytest.mark.slow
def test_a_schedule_for_the_next_minute_starts_a_run_for_that_minute(serving: Served) -> None:
    tick = next_tick("* * * * *", "UTC", datetime.now(UTC) + timedelta(seconds=20))
    serving.plugin.schedule_job("good", f"{tick.minute} {tick.hour} * * *", "UTC")
    wait_for(lambda: serving.scheduled_runs().get(tick) == "Completed", 150)
    serving.plugin.unschedule_job("good")
    assert nominal_times(serving.product).count(tick.isoformat()) == 1
    told = [event["run"]["facets"].get("nominalTime") for event in lineage(serving.product)]
    assert tick in {datetime.fromisoformat(t["nominalStartTime"]) for t in told if t}
