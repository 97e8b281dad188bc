"""What the source remembered counts on the target, if both have the same store."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alert_receiver import AlertReceiver, alert_receiver
from moving_world import JOB, SimulatedSide, World
from steps_of_move import steps

from floe_core.execution import outcome_of_run, report_outcome
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import AlertRule

FAILED, AGAIN = "shop: run failed", "shop: run succeeded again"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertReceiver]:
    with alert_receiver() as running:
        monkeypatch.setenv("SHOP_ALERTS", running.url)
        yield running


def alerting(side: SimulatedSide, folder: Path, store: str) -> CompiledArtifacts:
    """Return the product of a side with alerts, in a folder of its own."""
    config = {**side.artifacts.orchestrator.config, "alert_store": store}
    choice = side.artifacts.orchestrator.model_copy(update={"config": config})
    rules = (AlertRule(on=("failure", "recovery"), to="env:SHOP_ALERTS"),)
    changes = {"orchestrator": choice, "alerts": rules}
    (folder / side.name).mkdir()
    return side.artifacts.model_copy(update=changes).bound_to(folder / side.name)


def move(world: World) -> None:
    """Move the job from one to two, and let the target run ticks."""
    world.two.is_deployed = True
    attempt = steps(world.mover("one", "two"))
    while next(attempt, "moved") != "moved":
        world.pass_time()
    while len(world.two.started) < 2:
        world.pass_time()


@pytest.mark.long
@pytest.mark.parametrize("is_shared", [True, False])
def test_a_failure_on_the_source_is_recovered_from_on_the_target(
    tmp_path: Path, receiver: AlertReceiver, is_shared: bool
) -> None:
    world = World(tmp_path)
    (tmp_path / "alerts").mkdir()
    store = str(tmp_path / "alerts") if is_shared else ""
    one, two = (alerting(side, tmp_path, store) for side in (world.one, world.two))
    while not world.one.started:
        world.pass_time()
    failed = world.one.started[0]
    report_outcome(one, outcome_of_run(one, JOB, failed.run_id, succeeded=False))
    assert receiver.wait_for(1, quiet=0) == [FAILED]
    world.one.retry(timedelta(0))
    move(world)
    for run in world.two.started:
        report_outcome(two, outcome_of_run(two, JOB, run.run_id, succeeded=True))
    # Without a shared store, the target knows of no failure.
    assert receiver.wait_for(2, 3) == ([FAILED, AGAIN] if is_shared else [FAILED])
    # The source is asked again for what ended there, and has nothing to add.
    report_outcome(one, outcome_of_run(one, JOB, failed.run_id, succeeded=False))
    assert receiver.wait_for(2, 1) == ([FAILED, AGAIN] if is_shared else [FAILED])
