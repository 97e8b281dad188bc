"""The plan of a run whose steps have not run yet."""

from __future__ import annotations

from dataclasses import replace

from small_artifacts import small_product

from floe_core.reuse.live_plan import plan_before_steps
from floe_core.reuse.outcome import outcome_of
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Situation
from floe_core.reuse.state import Entry, RelationFacts, State, Versions
from floe_core.reuse.warehouse_facts import WarehouseFacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, Step

LOAD, PUSH = "step.shop.load", "step.shop.push"
ORDERS, PRICES = "source.shop.raw.orders", "source.shop.raw.prices"
A, B, C = "model.shop.a", "model.shop.b", "model.shop.c"
CODES = {
    A: 'select id from "shop"."main"."orders"',
    B: 'select a.id, p.id as price from "shop"."main"."a" a, "shop"."main"."prices" p',
    C: "select 1 as id",
}


def node(unique_id: str, *parents: str) -> Node:
    kind, package, *rest = unique_id.split(".")
    return Node(
        unique_id=unique_id,
        name=rest[-1],
        resource_type=kind,
        package=package,
        depends_on=parents,
        database="shop",
        schema_name="main",
        identifier=rest[-1],
        materialization="table" if kind == "model" else "",
        source_name="raw" if kind == "source" else "",
    )


def product() -> CompiledArtifacts:
    """Return load -> orders and prices -> a -> b -> push, and c beside them."""
    return small_product(
        *(node(LOAD), node(ORDERS), node(PRICES)),
        *(node(A, ORDERS, LOAD), node(B, A, PRICES, LOAD), node(C), node(PUSH, B)),
        steps=(Step(unique_id=LOAD, sources=(ORDERS, PRICES)), Step(unique_id=PUSH)),
    )


def after_a_run(sources: dict[str, Versions], reported: dict[str, Versions]) -> Situation:
    """Return the situation before the second run; `reported` is what the step said in the first."""
    artifacts = product()
    relations = {i: RelationFacts("as built", ("id",)) for i in (A, B, C)}
    facts = WarehouseFacts(relations, {**sources, **reported})
    given = Situation(
        artifacts, frozenset(CODES), CODES, {}, State("shop"), facts, "engine", "token 1", "run 1"
    )
    plan = make_plan(given)
    entries = dict(outcome_of(given, plan, dict.fromkeys(plan, 1.0), relations).entries)
    entries |= {i: Entry("run 1", {}, versions=each) for i, each in reported.items()}
    return replace(
        given,
        wanted=frozenset({*CODES, LOAD, PUSH}),
        warehouse=WarehouseFacts(relations, sources),
        state=State("shop", entries),
        token="token 2",
    )


def told(given: Situation) -> dict[str, str]:
    """Return name -> why, of what is built."""
    plan = plan_before_steps(given)
    return {i.split(".")[2]: d.why for i, d in plan.items() if d.action == "build"}


RUNS = {"load": "a step runs every time", "push": "a step runs every time"}


def version(text: str) -> Versions:
    return Versions(text, {"id": text})


def test_what_depends_on_what_a_step_reports_is_new_if_that_is() -> None:
    given = after_a_run({}, {ORDERS: version("monday"), PRICES: version("p1")})
    orders, prices = (f"load reports a new version of raw.{n}" for n in ("orders", "prices"))
    assert told(given) == {**RUNS, "a": f"new if {orders}", "b": f"new if {orders} or {prices}"}


def test_what_is_read_in_the_warehouse_is_new_if_a_step_changes_it() -> None:
    given = after_a_run({ORDERS: version("8 rows"), PRICES: version("2 rows")}, {})
    told_of_b = "new if load changes raw.orders or load changes raw.prices"
    assert told(given) == {**RUNS, "a": "new if load changes raw.orders", "b": told_of_b}


def test_what_nothing_is_known_of_is_new() -> None:
    given = after_a_run({}, {PRICES: version("p1")})
    assert told(given) == {**RUNS, "a": "source raw.orders is new", "b": "a is new"}


def test_what_changed_is_built_whatever_a_step_does() -> None:
    given = after_a_run({}, {ORDERS: version("monday"), PRICES: version("p1")})
    codes = CODES | {A: CODES[A] + " where id > 1"}
    assert told(replace(given, codes=codes))["a"] == "its code changed"
