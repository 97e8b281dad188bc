from __future__ import annotations

from datetime import UTC, datetime, timedelta

from floe_core.plugin_api.concepts import CONCEPTS
from floe_core.plugin_api.powers import ConceptExplainer
from floe_core.schemas.nodes import Step
from floe_core.schemas.partitions import Partitions
from floe_core.schemas.policies import AlertRule, Deadline, Job, Schedule
from floe_core.schemas.ports import UpdateTrigger
from floe_orchestrator_prefect import PrefectPlugin
from floe_orchestrator_prefect.concepts import UPDATES


def test_every_concept_is_explained_and_none_is_lost(node, product):
    plugin = PrefectPlugin()
    assert isinstance(plugin, ConceptExplainer)
    steps = (Step(unique_id="step.shop.load", command=("load",)),)
    late = {
        "jobs": (Job(name="web-shop", deadline=Deadline(time="07:30")),),
        "alerts": (AlertRule(on=("lateness",), to="env:SHOP_ALERTS"),),
        "partitions": Partitions(by="day", start="2026-01-01"),
    }
    nodes = (node("model", "orders"), node("step", "load"))
    found = plugin.concepts(product(*nodes, steps=steps, **late))
    assert [concept.name for concept in found] == list(CONCEPTS)
    assert all(concept.becomes for concept in found)
    assert {concept.loss for concept in found} == {""}


def test_a_schedule_of_dates_is_a_loss_that_names_the_last(product):
    """02:30 is an hour that clocks leave out in March, where Prefect and floe differ."""
    schedule = Schedule(cron="30 2 * * *", timezone="Europe/Berlin")
    found = PrefectPlugin().concepts(product(jobs=(Job(name="web-shop", schedule=schedule),)))
    [loss] = [concept.loss for concept in found if concept.loss]
    last = datetime.now(UTC).date() + timedelta(days=730)
    near = {f"{last + timedelta(days=n)}" for n in (-1, 0, 1)}
    assert any(f"of web-shop the last is on {day}," in loss for day in near), loss


def test_a_job_that_updates_start_says_what_starts_its_runs(node, product):
    trigger = UpdateTrigger(on_update="any", ports=("crm/people@1",))
    job = Job(name="web-shop", trigger=trigger)
    found = {c.name: c for c in PrefectPlugin().concepts(product(node("model", "a"), jobs=(job,)))}
    assert (found["schedule"].here, found["schedule"].becomes) == (
        "any of crm/people@1",
        UPDATES,
    )
