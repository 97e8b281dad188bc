"""What is built and comes to the content that it had, in plans of a small product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from small_artifacts import SMALL_DBT, small_product

from floe_core.reuse import contents
from floe_core.reuse.contents import with_contents
from floe_core.reuse.live_plan import LivePlan
from floe_core.reuse.outcome import outcome_of
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Plan, Situation
from floe_core.reuse.state import ActiveBuild, RelationFacts, State, Versions
from floe_core.reuse.warehouse_facts import WarehouseFacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, ReuseFacts

RAW, A, B, C = "seed.shop.raw", "model.shop.a", "model.shop.b", "model.shop.c"
TEST = "test.shop.checks_b"
ABOVE = {RAW: (), A: (RAW,), B: (A,), C: (B,), TEST: (B,)}
CODES = {
    A: 'select id, amount from "shop"."main"."raw"',
    B: 'select id, amount * 2 as twice from "shop"."main"."a"',
    C: 'select sum(twice) as total from "shop"."main"."b"',
    TEST: 'select id from "shop"."main"."b" where id is null',
}
REWRITTEN = CODES | {A: CODES[A] + " where true"}
SEED = Versions("8 rows", {"id": "i1", "amount": "a1"})
COLUMNS = {RAW: ("id", "amount"), A: ("id", "amount"), B: ("id", "twice"), C: ("total",)}


def product(executable: str = "", **changes: dict[str, Any]) -> CompiledArtifacts:
    """Return the chain raw, a, b, c; `changes` maps a node's name to fields of it."""
    nodes = []
    for node_id, above in ABOVE.items():
        kind, package, name = node_id.split(".")
        fields = {
            **{"unique_id": node_id, "name": name, "resource_type": kind, "package": package},
            **{"database": "shop", "schema_name": "main", "identifier": name},
            **{"depends_on": above, "materialization": "table" if kind == "model" else kind},
        }
        nodes.append(Node.model_validate({**fields, **changes.get(name, {})}))
    return small_product(*nodes, dbt=SMALL_DBT.model_copy(update={"executable": executable}))


def relations_of(
    artifacts: CompiledArtifacts, rows: int = 8, **evidence: str
) -> dict[str, RelationFacts]:
    return {
        n.unique_id: RelationFacts(
            evidence.get(n.name, "as built"),
            COLUMNS[n.unique_id],
            None if n.materialization == "view" else rows,
        )
        for n in artifacts.runnable
        if n.is_relation
    }


def after_a_build(
    artifacts: CompiledArtifacts, codes: Mapping[str, str] = CODES, rows: int = 8
) -> Situation:
    """Return the situation after a first green build of all."""
    facts = WarehouseFacts(relations=relations_of(artifacts, rows))
    wanted = frozenset(n.unique_id for n in artifacts.runnable)
    first = Situation(
        artifacts, wanted, codes, {RAW: SEED}, State("shop"), facts, "engine", "token 1", "run 1"
    )
    plan = make_plan(first)
    entries = outcome_of(first, plan, dict.fromkeys(plan, 1.0), facts.relations).entries
    return replace(first, state=State("shop", entries), token="token 2", run_id="run 2")


def planned(given: Situation) -> Plan:
    return with_contents(given, make_plan(given))


def reasons(plan: Plan) -> dict[str, str]:
    """Return name -> why, of what is built."""
    return {i.split(".")[2]: each.why for i, each in plan.items() if each.action == "build"}


def test_what_depends_on_the_content_of_what_is_built_says_so() -> None:
    plan = planned(replace(after_a_build(product()), codes=REWRITTEN))
    assert reasons(plan) == {
        "a": "its code changed",
        "b": "may be reused: depends on the content of a",
        "c": "may be reused: depends on the content of b",
        "checks_b": "may be reused: depends on the content of b",
    }
    assert plan[C].waits_for == (B,)


def test_through_a_view_the_tables_above_it_decide() -> None:
    artifacts = product(b={"materialization": "view"})
    plan = planned(replace(after_a_build(artifacts), codes=REWRITTEN))
    assert plan[B].waits_for == plan[C].waits_for == (A,)


def test_what_is_always_built_does_not_keep_others_from_reuse() -> None:
    """floe can't read its SQL, which may depend on the order of rows."""
    codes = CODES | {C: 'select nvl2(twice) as total from "shop"."main"."b"'}
    given = after_a_build(product(), codes)
    plan = planned(replace(given, codes={**codes, A: REWRITTEN[A]}))
    assert plan[B].waits_for == (A,)
    assert reasons(plan)["c"].startswith("never reused: ")


@pytest.mark.parametrize(
    ("artifacts", "codes", "rows"),
    [
        (product(executable="/bin/dbt"), CODES, 8),
        (product(), CODES | {C: 'select id from "shop"."main"."b" limit 1'}, 8),
        (product(a={"materialization": "view"}, b={"materialization": "view"}), CODES, 8),
        (product(), CODES, contents.CHEAP_ROWS + 1),
    ],
    ids=["dbt in another process", "by the order of rows", "views", "large tables"],
)
def test_where_content_does_not_decide_all_that_reads_is_built(
    artifacts: CompiledArtifacts, codes: Mapping[str, str], rows: int
) -> None:
    given = after_a_build(artifacts, codes, rows)
    plan = planned(replace(given, codes={**codes, A: REWRITTEN[A]}))
    assert set(reasons(plan)) == {"a", "b", "c", "checks_b"}
    assert not any(each.waits_for for each in plan.values())


def test_a_large_table_decides_where_its_meta_asks_for_it() -> None:
    artifacts = product(a={"reuse": ReuseFacts(by_content=True)})
    given = after_a_build(artifacts, rows=contents.CHEAP_ROWS + 1)
    plan = planned(replace(given, codes=REWRITTEN))
    # `b` is not hashed.
    assert (plan[B].waits_for, plan[C].waits_for) == ((A,), (A,))


def live(given: Situation) -> LivePlan:
    return LivePlan(given, planned(given))


def test_without_news_in_the_content_all_below_is_reused() -> None:
    given = replace(after_a_build(product()), codes=REWRITTEN)
    plan = live(given)
    assert plan.start(A) is None
    plan.end(A, relations_of(given.artifacts)[A])
    found = [plan.start(node_id) for node_id in (B, TEST, C)]
    assert [each.why for each in found if each] == ["unchanged since run run 1"] * 3


@pytest.mark.parametrize("found", [RelationFacts("other rows", COLUMNS[A], 8), None])
def test_with_news_or_where_nothing_is_known_it_is_built(found: RelationFacts | None) -> None:
    plan = live(replace(after_a_build(product()), codes=REWRITTEN))
    plan.end(A, found)
    assert plan.start(B) is None
    # It comes to what it was, for another reason.
    plan.end(B, RelationFacts("as built", COLUMNS[B], 8))
    assert plan.start(C) is not None


def test_below_a_failure_nothing_is_reused_that_dbt_would_skip() -> None:
    given = replace(after_a_build(product()), codes=REWRITTEN)
    plan = live(given)
    plan.end(A, relations_of(given.artifacts)[A])
    plan.fail(A)
    assert plan.start(B) is None


def remembered(given: Situation, **evidence: str) -> tuple[Situation, set[str]]:
    """Return the situation after `a` alone was built, and what is in doubt."""
    found = relations_of(given.artifacts, **evidence)
    outcome = outcome_of(given, _only_a(given), {A: 1.0}, found)
    state = given.state.with_entries(outcome.entries, outcome.doubtful)
    facts = WarehouseFacts(relations=found)
    return replace(given, state=state, warehouse=facts, token="token 3"), set(outcome.doubtful)


def _only_a(given: Situation) -> Plan:
    wanted = replace(given, wanted=frozenset({A}))
    return make_plan(wanted)


def test_what_came_to_the_same_is_remembered_with_the_version_of_that() -> None:
    given = replace(after_a_build(product()), codes=REWRITTEN)
    after, _ = remembered(given)
    assert reasons(planned(after)) == {}
    after, _ = remembered(given, a="other rows")
    assert "b" in reasons(planned(after))


def test_what_was_left_out_is_in_doubt_if_the_table_is_another_one_in_the_end() -> None:
    given = replace(after_a_build(product()), codes=REWRITTEN)
    plan = live(given)
    plan.end(A, relations_of(given.artifacts)[A])
    for node_id in (B, C, TEST):
        plan.start(node_id)
    changed = relations_of(given.artifacts, a="changed by a hook")
    outcome = outcome_of(given, plan.decisions, {A: 1.0}, changed)
    assert B in outcome.doubtful


def test_a_build_that_was_killed_leaves_known_what_the_content_was() -> None:
    given = after_a_build(product())
    begun = given.state.with_build("token", ActiveBuild("here", 1, 0.0, (A, B)))
    assert begun.entries.keys() == {RAW, C, TEST}
    assert begun.last_of(A) == given.state.entries[A]
    plan = planned(replace(given, state=begun, codes=REWRITTEN))
    assert plan[C].waits_for == (B,)
    assert begun.with_entries({A: given.state.entries[A]}).former.keys() == {B}
