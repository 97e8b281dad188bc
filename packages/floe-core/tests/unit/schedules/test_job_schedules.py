"""What is set, paused and removed, and what a loader then sees."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime

import pytest

from floe_core.foundation.errors import UsageError
from floe_core.ports.decision import Decision
from floe_core.ports.watch import look
from floe_core.schedules import tzdata_version
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import PAUSED_VARIABLE, with_live_schedules
from floe_core.schedules.schedule_store import store_of
from floe_core.schemas.policies import Job, Owner
from floe_core.schemas.ports import UpdateTrigger


def schedule(artifacts, job="web-shop"):
    """Return what a loader sees: expression, zone, whether enabled; None without a schedule."""
    found = with_live_schedules(artifacts).job(job).schedule
    return found and (found.cron, found.timezone, found.enabled)


def test_without_a_store_floe_yaml_holds(shop):
    assert with_live_schedules(shop()) == shop()
    assert schedule(shop()) == ("0 6 * * *", "UTC", True)


def test_setting_replaces_and_setting_again_replaces_that(shop):
    schedules = JobSchedules(shop())
    schedules.set("web-shop", "30 2 * * *", "Europe/London")
    assert schedule(shop()) == ("30 2 * * *", "Europe/London", True)
    schedules.set("web-shop", "@hourly", "Asia/Kolkata")
    assert schedule(shop()) == ("@hourly", "Asia/Kolkata", True)


def test_a_paused_process_starts_nothing_and_stores_nothing(shop, monkeypatch):
    JobSchedules(shop()).set("web-shop", "30 2 * * *", "Europe/London")
    monkeypatch.setenv(PAUSED_VARIABLE, "true")
    assert schedule(shop()) == ("30 2 * * *", "Europe/London", False)
    trigger = UpdateTrigger(on_update="any", ports=("crm/people@1",))
    waiting = shop().model_copy(update={"jobs": (Job(name="web-shop", trigger=trigger),)})
    paused = with_live_schedules(waiting).job("web-shop").trigger
    assert paused is not None
    assert not paused.enabled
    # A watcher of updates asks with each look, of artifacts that are as compiled.
    assert look(waiting, "web-shop", datetime.now(UTC)) == Decision("wait", is_off=True)
    monkeypatch.delenv(PAUSED_VARIABLE)
    assert schedule(shop()) == ("30 2 * * *", "Europe/London", True)


def test_another_time_and_a_pause_keep_how_a_job_catches_up(shop):
    product = shop()
    [own, *others] = product.jobs
    own = own.model_copy(update={"schedule": own.schedule.model_copy(update={"catchup": True})})
    product = product.model_copy(update={"jobs": (own, *others)}).bound_to(product.project_dir)
    JobSchedules(product).set("web-shop", "30 2 * * *", "Europe/London")
    JobSchedules(product).pause("web-shop")
    found = with_live_schedules(product).job("web-shop").schedule
    assert (found.cron, found.enabled, found.catchup) == ("30 2 * * *", False, True)


def test_a_job_that_had_none_gets_one_and_other_jobs_keep_theirs(shop):
    JobSchedules(shop()).set("hourly-part", "0 * * * *", "UTC")
    assert schedule(shop(), "hourly-part") == ("0 * * * *", "UTC", True)
    assert schedule(shop()) == ("0 6 * * *", "UTC", True)


def test_another_edition_of_the_time_zones_is_warned_of(shop):
    compiled = shop().model_copy(update={"tzdata_version": "2019c"})
    with pytest.warns(UserWarning, match="time zones of 2019c") as warned:
        with_live_schedules(compiled)
    assert [str(each.message) for each in warned] == [
        f"web-shop was compiled with time zones of 2019c, and this environment has "
        f"{tzdata_version()}: ticks can differ where a zone's rules changed; install the same "
        "tzdata, or run `floe compile` here"
    ]


@pytest.mark.parametrize("compiled", ["", "here"])
def test_the_same_edition_of_the_time_zones_is_not(shop, compiled):
    version = tzdata_version() if compiled else ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_live_schedules(shop().model_copy(update={"tzdata_version": version}))


def test_the_time_zones_of_a_product_without_schedules_are_not_compared(shop):
    unscheduled = {"tzdata_version": "2019c", "jobs": (Job(name="web-shop"),)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with_live_schedules(shop().model_copy(update=unscheduled))


def test_removing_overrides_floe_yaml_and_resetting_gives_it_back(shop):
    schedules = JobSchedules(shop())
    schedules.remove("web-shop")
    assert schedule(shop()) is None
    schedules.reset("web-shop")
    assert schedule(shop()) == ("0 6 * * *", "UTC", True)


def test_pausing_and_resuming_keep_the_rule_wherever_it_comes_from(shop):
    schedules = JobSchedules(shop())
    schedules.pause("web-shop")
    assert schedule(shop()) == ("0 6 * * *", "UTC", False)
    schedules.resume("web-shop")
    assert schedule(shop()) == ("0 6 * * *", "UTC", True)
    schedules.set("web-shop", "5 5 * * *", "Asia/Tokyo")
    schedules.pause("web-shop")
    assert schedule(shop()) == ("5 5 * * *", "Asia/Tokyo", False)


def test_a_job_that_only_updates_start_is_paused_and_resumed(shop):
    def is_on():
        job = with_live_schedules(shop()).job("fed-part")
        return job.schedule, job.trigger.enabled, job.is_paused, job.starts_itself

    schedules = JobSchedules(shop())
    assert is_on() == (None, True, False, True)
    schedules.pause("fed-part")
    assert is_on() == (None, False, True, False)
    schedules.remove("fed-part")
    assert is_on() == (None, False, True, False), "only its schedule is removed"
    schedules.resume("fed-part")
    assert is_on() == (None, True, False, True)
    schedules.pause("fed-part")
    schedules.reset("fed-part")
    assert is_on() == (None, True, False, True)


def test_a_pause_is_one_switch_for_ticks_and_updates(shop):
    schedules = JobSchedules(shop())
    schedules.set("fed-part", "0 * * * *", "UTC")
    schedules.pause("fed-part")
    job = with_live_schedules(shop()).job("fed-part")
    assert (job.schedule.enabled, job.trigger.enabled) == (False, False)


def test_setting_a_paused_schedule_starts_it(shop):
    schedules = JobSchedules(shop())
    schedules.pause("web-shop")
    schedules.set("web-shop", "5 5 * * *", "UTC")
    assert schedule(shop()) == ("5 5 * * *", "UTC", True)


@pytest.mark.parametrize("action", ["pause", "resume"])
def test_a_job_without_a_schedule_can_be_neither_paused_nor_resumed(shop, action):
    with pytest.raises(ValueError) as caught:
        getattr(JobSchedules(shop()), action)("hourly-part")
    expected = "job 'hourly-part' of web-shop has no schedule; set one first"
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (
            "web_shop",
            "web-shop has no job 'web_shop'; did you mean 'web-shop'? its jobs are web-shop, "
            "hourly-part, fed-part",
        ),
        ("zzz", "web-shop has no job 'zzz'; its jobs are web-shop, hourly-part, fed-part"),
        ("", "web-shop has no job ''; its jobs are web-shop, hourly-part, fed-part"),
    ],
)
def test_an_unknown_job_is_refused_with_near_matches(shop, job, text):
    for change in (
        lambda s: s.set(job, "0 6 * * *", "UTC"),
        lambda s: s.remove(job),
        lambda s: s.pause(job),
        lambda s: s.resume(job),
        lambda s: s.reset(job),
    ):
        with pytest.raises(ValueError) as caught:
            change(JobSchedules(shop()))
        assert str(caught.value) == text


@pytest.mark.parametrize(
    "zone",
    ["localtime", "../../etc/passwd", "/etc/localtime", "", "europe/london", "Mars/Phobos"],
)
def test_a_zone_that_is_none_is_refused_and_nothing_is_written(shop, tmp_path, zone):
    with pytest.raises(ValueError, match="time zone"):
        JobSchedules(shop()).set("web-shop", "0 6 * * *", zone)
    assert list(tmp_path.glob("schedules.json")) == []


def test_everything_wrong_is_told_at_once(shop):
    with pytest.raises(ValueError) as caught:
        JobSchedules(shop()).set("webshop", "61 * * * *", "Mars/Phobos")
    job, cron, zone = str(caught.value).splitlines()
    assert job.startswith("web-shop has no job 'webshop'; did you mean 'web-shop'?")
    assert cron.startswith("cron expression '61 * * * *': ")
    assert zone.startswith("no time zone named 'Mars/Phobos'")


def test_a_plugin_knows_its_product_by_definition_or_setting(shop):
    assert JobSchedules.of_plugin(shop(), {}).artifacts == shop()
    with pytest.raises(UsageError, match=r"create_definitions.*project_dir"):
        JobSchedules.of_plugin(None, {})


def test_an_entry_of_a_job_that_is_gone_is_left_alone(shop, tmp_path):
    (tmp_path / "schedules.json").write_text(
        '{"jobs": {"gone": {"since": "2026-01-01T00:00:00Z", "removed": true}}}'
    )
    assert with_live_schedules(shop()) == shop()
    JobSchedules(shop()).pause("web-shop")
    assert "gone" in (tmp_path / "schedules.json").read_text()


def in_environment(artifacts, name):
    """Return the artifacts as they are loaded with FLOE_ENV."""
    return artifacts.model_copy(update={"environment": name}).bound_to(artifacts.project_dir)


@pytest.mark.parametrize("has_shared_store", [False, True])
def test_a_change_in_one_environment_leaves_the_others_alone(shop, tmp_path, has_shared_store):
    """One compiled folder, or one store, serves them all."""
    (tmp_path / "store").mkdir()
    product = shop(**({"schedule_store": str(tmp_path / "store")} if has_shared_store else {}))
    dev, prod = (in_environment(product, name) for name in ("dev", "prod"))
    JobSchedules(dev).pause("web-shop")
    JobSchedules(prod).set("hourly-part", "0 * * * *", "UTC")
    assert schedule(dev) == ("0 6 * * *", "UTC", False)
    assert schedule(prod) == schedule(product) == ("0 6 * * *", "UTC", True)
    assert schedule(prod, "hourly-part") == ("0 * * * *", "UTC", True)
    assert schedule(dev, "hourly-part") is schedule(product, "hourly-part") is None


def test_an_environment_has_the_schedules_that_are_set_without_one(shop):
    product = shop()
    dev = in_environment(product, "dev")
    JobSchedules(product).set("web-shop", "30 2 * * *", "Europe/London")
    assert schedule(dev) == ("30 2 * * *", "Europe/London", True)
    # A pause keeps the expression that is set for all of them.
    JobSchedules(dev).pause("web-shop")
    assert schedule(dev) == ("30 2 * * *", "Europe/London", False)
    assert schedule(product) == ("30 2 * * *", "Europe/London", True)
    JobSchedules(product).set("web-shop", "15 3 * * *", "UTC")
    assert schedule(dev) == ("30 2 * * *", "Europe/London", False)
    JobSchedules(dev).reset("web-shop")
    assert schedule(dev) == schedule(product) == ("15 3 * * *", "UTC", True)
    JobSchedules(product).reset("web-shop")
    assert schedule(dev) == schedule(product) == ("0 6 * * *", "UTC", True)


def test_an_owner_in_one_environment_owns_nothing_in_the_others(shop):
    product, owner = shop(), Owner(orchestrator="plain", epoch=2, first_tick=datetime.now(UTC))
    prod = in_environment(product, "prod")
    assert JobSchedules(prod).change_owner("web-shop", None, owner)
    assert JobSchedules(prod).live("web-shop").owner == owner
    assert JobSchedules(product).live("web-shop").owner is None
    assert store_of(product).read() == {}
    assert not JobSchedules(prod).change_owner("web-shop", None, owner)
