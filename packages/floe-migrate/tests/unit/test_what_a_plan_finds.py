"""What running orchestrators say of a product that is to move, as a plan tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from small_artifacts import SMALL_DBT, small_product

from floe_core.plugin_api.powers import PoolProblem, RunningSchedule
from floe_core.plugin_api.run_history import NodesOfRun, RecordedRun
from floe_core.plugin_interfaces import ValidationResult
from floe_core.ports.ledger import LEDGER_VARIABLE
from floe_core.schemas.compiled_artifacts import OrchestratorChoice
from floe_core.schemas.policies import CONNECTION, Job, Schedule
from floe_core.schemas.ports import Port
from floe_migrate.planning.running_sides import listeners, source_runs, target_service
from floe_migrate.sides.side import LiveSide

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)


@dataclass
class Service:
    """A plugin whose orchestrator responds."""

    runs: list[RecordedRun] = field(default_factory=list)
    listening: list[str] = field(default_factory=list)
    pools: list[PoolProblem] = field(default_factory=list)

    def recent_runs(self, *_: object) -> Sequence[RecordedRun]:
        return self.runs

    def nodes_of_run(self, *_: object) -> NodesOfRun:
        return NodesOfRun()

    def listeners_of(self, *_: object) -> Sequence[str]:
        return self.listening

    def check_pools(self, *_: object) -> Sequence[PoolProblem]:
        return self.pools

    def running_schedule(self, *_: object) -> RunningSchedule:
        return RunningSchedule(None, False)

    def validate_connection(self) -> ValidationResult:
        return ValidationResult(success=True, message="it responds")


class BackfillingService(Service):
    """One whose orchestrator has a backfill of two jobs, and another of one."""

    def backfills_of(self, _: object, job_name: str, seconds: float) -> Sequence[str]:
        return ["backfill 3", *(["backfill of other"] if job_name == "other" else [])]


def side(name: str, plugin: Service, pool: str = "", **fields: Any) -> LiveSide:
    product = small_product(
        jobs=(Job(name="shop", schedule=Schedule(cron="0 6 * * *"), pool=pool),),
        orchestrator=OrchestratorChoice(name=name, config={}),
        **fields,
    )
    return LiveSide(product.bound_to(Path()), plugin)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_in_progress_is_one_that_a_move_waits_for(state: Any) -> None:
    runs = [
        RecordedRun("shop", "shop", "now", state, NOW),
        RecordedRun("shop", "shop", "before", "success", NOW),
        RecordedRun("shop", "other", "of-another-job", "running", NOW),
    ]
    found = [*source_runs(side("one", Service(runs)), ["shop"])]
    assert [(each.code, each.kind, each.what) for each in found] == [
        ("runs", "note", f"run now of shop is {state} on one; a move waits for it")
    ]
    [found_none] = source_runs(side("one", Service(runs[1:])), ["shop"])
    assert (found_none.code, found_none.kind) == ("runs", "ok")


def test_a_backfill_in_progress_is_named_also_if_it_has_no_run() -> None:
    found = [*source_runs(side("one", BackfillingService()), ["shop", "other"])]
    assert [(each.code, each.kind, each.what) for each in found] == [
        ("backfills", "note", "backfill 3 is in progress on one; a move waits for it"),
        ("backfills", "note", "backfill of other is in progress on one; a move waits for it"),
        ("runs", "ok", "one has no run of it in progress"),
    ]


def test_a_plugin_that_knows_of_no_backfills_has_none() -> None:
    [found] = source_runs(side("one", Service()), ["shop"])
    assert (found.code, found.kind) == ("runs", "ok")


def test_pools_that_the_target_lacks_and_connections_are_found() -> None:
    dbt = SMALL_DBT.model_copy(update={"value_sources": {"password": f"{CONNECTION}wh#password"}})
    problems = [
        PoolProblem("warehouse", "two has no pool warehouse", "create it", blocks=True),
        PoolProblem("small", "two has a larger pool small", "shrink it"),
    ]
    target = side("two", Service(pools=problems), dbt=dbt, pool="warehouse")
    found = [*target_service(target, ["shop"])]
    assert [(each.code, each.kind, each.fix) for each in found if "pool" in each.code] == [
        ("pool:warehouse", "loss", "create it"),
        ("pool:small", "note", "shrink it"),
    ]
    others = {each.code: each.kind for each in found if "pool" not in each.code}
    assert others == {"service:two": "ok", "connection:wh": "unknown"}


PORT = Port(name="orders", version="1", node_id="model.shop.orders")
FEED = (
    "leave a product on one that reads {} with `schedule: {{onUpdate: any}}`, and listen to the "
    "assets of that one; or move what listens to two as well"
)


def test_for_each_listener_the_plan_says_how_it_starts_after_the_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(LEDGER_VARIABLE, raising=False)
    plugin = Service(listening=["the DAG report", "the DAG mail"])
    found = [*listeners(side("one", plugin, ports=(PORT,), ledger="/ledger"), "two")]
    assert [(each.kind, each.what, each.fix) for each in found] == [
        *(
            (
                "loss",
                f"the DAG {name} no longer starts once one is left: nothing updates its assets there",
                FEED.format("the port shop/orders@1"),
            )
            for name in ("report", "mail")
        ),
        ("note", "products that read shop/orders@1 start by the ledger, as before", ""),
    ]


@pytest.mark.parametrize("fields", [{}, {"ports": (PORT,)}, {"ledger": "/ledger"}])
def test_without_a_port_and_a_ledger_a_listener_needs_them_first(
    fields: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(LEDGER_VARIABLE, raising=False)
    [found] = listeners(side("one", Service(listening=["the DAG report"]), **fields), "two")
    first = "offer its table as an output port, with a `ledger` in the manifest; "
    assert found.fix == first + FEED.format("that port")
