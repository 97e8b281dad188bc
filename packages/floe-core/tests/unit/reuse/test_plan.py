"""The plan, of a small product that no dbt has seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_artifacts import small_product

from floe_core.reuse.outcome import outcome_of
from floe_core.reuse.plan import make_plan
from floe_core.reuse.situation import Situation
from floe_core.reuse.state import RelationFacts, State, Versions
from floe_core.reuse.warehouse_facts import WarehouseFacts
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node, ReuseFacts

RAW, A, B, C = "seed.shop.raw", "model.shop.a", "model.shop.b", "model.shop.c"
TEST, SOURCE = "test.shop.checks_a", "source.shop.raw.events"
CODES = {
    A: 'select id, name, amount from "shop"."main"."raw"',
    B: 'select id, name from "shop"."main"."a"',
    C: 'select id, amount * 2 as twice from "shop"."main"."a"',
    TEST: 'select id from "shop"."main"."a" where id is null',
}
SEED = Versions("8 rows", {"id": "i1", "name": "n1", "amount": "a1"})


def node(unique_id: str, *parents: str, **fields: Any) -> Node:
    kind, package, *rest = unique_id.split(".")
    known = {
        "unique_id": unique_id,
        "name": rest[-1],
        "resource_type": kind,
        "package": package,
        "depends_on": parents,
        "database": "shop",
        "schema_name": "main",
        "identifier": rest[-1],
        "materialization": {"model": "table", "seed": "seed", "test": "test"}.get(kind, ""),
    }
    return Node.model_validate({**known, **fields})


def product(*others: Node, **changes: dict[str, Any]) -> CompiledArtifacts:
    """Return the product; `changes` maps a node's name to fields of it."""
    parents = {RAW: (), A: (RAW,), B: (A,), C: (A,), TEST: (A,)}
    nodes = [node(i, *above, **changes.get(i.split(".")[2], {})) for i, above in parents.items()]
    return small_product(*nodes, *others)


def relations_of(artifacts: CompiledArtifacts, **evidence: str) -> dict[str, RelationFacts]:
    columns = {RAW: ("id", "name", "amount"), A: ("id", "name", "amount"), B: ("id", "name")}
    return {
        n.unique_id: RelationFacts(
            evidence.get(n.name, "as built"), columns.get(n.unique_id, ("id",))
        )
        for n in artifacts.runnable
        if n.is_relation
    }


def situation(artifacts: CompiledArtifacts, **fields: Any) -> Situation:
    facts = WarehouseFacts(relations=relations_of(artifacts))
    wanted = frozenset(n.unique_id for n in artifacts.runnable)
    given = Situation(
        artifacts, wanted, CODES, {RAW: SEED}, State("shop"), facts, "engine", "token 1", "run 1"
    )
    return replace(given, **fields)


def built(given: Situation) -> Situation:
    """Return the situation after a green build of all that is planned."""
    plan = make_plan(given)
    green = {i: 1.0 for i, each in plan.items() if each.action == "build"}
    outcome = outcome_of(given, plan, green, dict(given.warehouse.relations))
    entries = {**given.state.entries, **outcome.entries}
    return replace(given, state=replace(given.state, entries=entries), token="token 2")


def reasons(given: Situation) -> dict[str, str]:
    """Return name -> why, of what is built."""
    plan = make_plan(given)
    return {i.split(".")[2]: d.why for i, d in plan.items() if d.action == "build"}


def test_without_a_state_everything_is_built() -> None:
    why = "no green build of it is known"
    assert reasons(situation(product())) == dict.fromkeys(("raw", "a", "b", "c", "checks_a"), why)


def test_what_was_built_and_stands_is_reused() -> None:
    after = built(situation(product()))
    assert reasons(after) == {}
    assert make_plan(after)[A].why == "unchanged since run run 1"


def test_a_new_column_takes_those_along_that_read_it() -> None:
    after = built(situation(product()))
    changed = CODES | {A: CODES[A].replace("amount from", "amount + 1 as amount from")}
    assert reasons(replace(after, codes=changed)) == {
        "a": "its code changed",
        "c": "column amount of a is new",
        "checks_a": "a is built, which it tests",
    }


def test_other_rows_take_everything_along() -> None:
    after = built(situation(product()))
    changed = CODES | {A: CODES[A] + " where amount > 1"}
    assert set(reasons(replace(after, codes=changed))) == {"a", "b", "c", "checks_a"}


def test_a_seed_of_which_one_column_changed_is_read_column_by_column() -> None:
    after = built(situation(product()))
    seed = Versions("8 rows", {**(SEED.columns or {}), "amount": "a2"})
    assert reasons(replace(after, seeds={RAW: seed})) == {
        "raw": "its code changed",
        "a": "column amount of raw is new",
        "c": "column amount of a is new",
        "checks_a": "a is built, which it tests",
    }


@pytest.mark.parametrize(
    ("evidence", "why"),
    [("changed by hand", "changed since its last build"), ("", "its relation is not there")],
)
def test_a_relation_that_does_not_stand_is_built_and_nothing_below_it(
    evidence: str, why: str
) -> None:
    artifacts = product()
    found = relations_of(artifacts, b=evidence)
    found = {i: each for i, each in found.items() if each.evidence}
    after = replace(built(situation(artifacts)), warehouse=WarehouseFacts(relations=found))
    assert reasons(after) == {"b": why}


def test_a_parent_that_is_built_anew_as_it_was_takes_only_its_tests_along() -> None:
    artifacts = product()
    facts = WarehouseFacts(relations=relations_of(artifacts, a="changed by hand"))
    after = replace(built(situation(artifacts)), warehouse=facts)
    assert set(reasons(after)) == {"a", "checks_a"}


def test_a_view_is_built_with_its_parent_where_a_table_takes_its_views_with_it() -> None:
    artifacts = product(b={"materialization": "view"})
    artifacts = artifacts.model_copy(
        update={"dbt": artifacts.dbt.model_copy(update={"adapter": "postgres"})}
    )
    facts = WarehouseFacts(relations=relations_of(artifacts, a="changed by hand"))
    after = replace(built(situation(artifacts)), warehouse=facts)
    assert reasons(after)["b"] == "a is built, which it is a view of"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"never": "run_query"}, "never reused: run_query"),
        ({"build": "other"}, "its configuration changed"),
    ],
)
def test_what_compile_says_of_a_node_counts(fields: dict[str, str], why: str) -> None:
    after = built(situation(product()))
    changed = product(b={"reuse": ReuseFacts(**fields)})
    assert reasons(replace(after, artifacts=changed)) == {"b": why}


def test_what_varies_makes_all_below_it_new_in_every_run() -> None:
    codes = CODES | {A: 'select id, name, now() as amount from "shop"."main"."raw"'}
    after = built(situation(product(), codes=codes))
    assert reasons(after) == {
        "a": "never reused: now()",
        "b": "a is new",
        "c": "a is new",
        "checks_a": "a is new",
    }


def test_an_incremental_model_is_reused_only_if_no_input_is_new() -> None:
    artifacts = product(
        b={"materialization": "incremental", "reuse": ReuseFacts(own_rows="overwrites")}
    )
    after = built(situation(artifacts))
    assert reasons(after) == {}
    changed = CODES | {A: CODES[A].replace("amount from", "amount + 1 as amount from")}
    assert reasons(replace(after, codes=changed))["b"] == "a is new"


def test_a_source_is_new_in_every_run_unless_its_version_is_known() -> None:
    source = node(SOURCE, source_name="raw")
    reader = node("model.shop.d", SOURCE)
    codes = CODES | {"model.shop.d": 'select id from "shop"."main"."events"'}
    artifacts = product(source, reader)
    after = built(situation(artifacts, codes=codes))
    assert reasons(after) == {"d": "source raw.events is new"}
    known = replace(
        after.warehouse, sources={SOURCE: Versions("8 rows of Monday", {"id": "8 rows"})}
    )
    after = built(situation(artifacts, codes=codes, warehouse=known))
    assert reasons(after) == {}


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ("2026-11-26 22:00:00", "2026-11-27 00:10:00", "newer by 2 h"),
        ("2026-11-26 22:00:00+00", "2026-11-26 23:00:30+01", "newer by 30 s"),
        ("2026-11-26", "2026-11-29", "newer by 3 days"),
        ("2026-11-26 22:00:00", "2026-11-26 21:59:59.5", "older by less than 1 s"),
        ("2026-11-26 22:00:00", "2026-11-26 22:00:00", "new"),
        ("41", "42", "new"),
        ("20261126", "20261127", "new"),
        ("", "2026-11-27 00:10:00", "new"),
    ],
)
def test_a_source_that_says_when_it_was_loaded_is_newer_by_so_much(
    before: str, now: str, told: str
) -> None:
    artifacts = product(node(SOURCE, source_name="raw"), node("model.shop.d", SOURCE))
    codes = CODES | {"model.shop.d": 'select id from "shop"."main"."events"'}

    def loaded(newest: str, version: str) -> WarehouseFacts:
        sources = {SOURCE: Versions(version, {"id": version})}
        return WarehouseFacts(relations_of(artifacts), sources, {SOURCE: newest} if newest else {})

    after = built(situation(artifacts, codes=codes, warehouse=loaded(before, "v1")))
    again = replace(after, warehouse=loaded(now, "v2"))
    assert reasons(again) == {"d": f"source raw.events is {told}"}


def test_a_unit_test_that_is_run_takes_its_model_with_it() -> None:
    unit = node("unit_test.shop.doubles", C, tested=C, checksum="given 1")
    after = built(situation(product(unit)))
    assert reasons(after) == {}
    changed = product(unit.model_copy(update={"checksum": "given 2"}))
    assert reasons(replace(after, artifacts=changed)) == {
        "doubles": "its code changed",
        "c": "its unit test doubles is run",
    }


def test_what_dbt_did_not_compile_is_built() -> None:
    after = built(situation(product()))
    codes = {i: code for i, code in CODES.items() if i != B}
    assert reasons(replace(after, codes=codes)) == {"b": "never reused: dbt did not compile it"}


def test_a_node_whose_columns_are_not_those_of_its_sql_leaves_its_readers_in_doubt() -> None:
    artifacts = product()
    before = built(situation(artifacts))
    codes = CODES | {A: CODES[A].replace("amount from", "amount + 1 as amount from")}
    given = replace(before, codes=codes)
    plan = make_plan(given)
    assert plan[B].action == "reuse"
    found = {**relations_of(artifacts), A: RelationFacts("as built", ("id", "name", "another"))}
    assert set(outcome_of(given, plan, {A: 1.0}, {A: found[A]}).doubtful) == {B}


HOUR = {"reuse": ReuseFacts(lag_seconds=3600)}


def test_new_inputs_wait_for_as_long_as_a_node_tolerates_it() -> None:
    after = built(situation(product(b=HOUR), now=1000.0))
    more = replace(after, codes=CODES | {A: CODES[A] + " where amount > 1"}, now=4599.0)
    assert set(reasons(more)) == {"a", "c", "checks_a"}
    assert make_plan(more)[B].why == "its inputs are new, which its lagTolerance lets wait"
    # A second build of its inputs does not put off its own.
    again = replace(built(more), now=4600.0)
    assert reasons(again) == {"b": "a is new"}


def test_a_build_that_a_clock_put_into_the_future_lets_nothing_wait() -> None:
    after = built(situation(product(b=HOUR), now=1000.0))
    more = replace(after, codes=CODES | {A: CODES[A] + " where amount > 1"}, now=999.0)
    assert reasons(more)["b"] == "a is new"


def test_only_new_inputs_wait() -> None:
    after = built(situation(product(b=HOUR), now=1000.0))
    own = replace(after, codes=CODES | {B: CODES[B] + " limit 1"}, now=1001.0)
    assert reasons(own) == {"b": "its code changed"}
    facts = WarehouseFacts(relations=relations_of(product(), b="changed by hand"))
    by_hand = replace(after, warehouse=facts, now=1001.0)
    assert reasons(by_hand) == {"b": "changed since its last build"}


def test_what_reads_a_node_that_waits_waits_with_it() -> None:
    after = built(situation(product(a=HOUR), now=1000.0))
    seed = replace(after, seeds={RAW: Versions("9 rows", SEED.columns)}, now=1001.0)
    assert set(reasons(seed)) == {"raw"}


def test_two_compilations_do_not_wait() -> None:
    given = situation(product(b=HOUR))
    changed = replace(given, codes=CODES | {A: CODES[A] + " where amount > 1"})
    assert set(compared(given, changed)) == {"a", "b", "c", "checks_a"}


def test_an_incremental_model_may_read_itself() -> None:
    artifacts = product(b={"materialization": "incremental", "reuse": ReuseFacts(own_rows="adds")})
    itself = ' where id > (select max(id) from "shop"."main"."b")'
    assert reasons(built(situation(artifacts, codes=CODES | {B: CODES[B] + itself}))) == {}


def test_a_result_that_varies_though_nothing_changed_is_a_new_version() -> None:
    artifacts = product()
    before = built(situation(artifacts))
    facts = WarehouseFacts(relations=relations_of(artifacts, a="changed by hand"))
    given = replace(before, warehouse=facts)
    plan = make_plan(given)
    assert (plan[A].action, plan[B].action) == ("build", "reuse")
    outcome = outcome_of(given, plan, {A: 1.0}, relations_of(artifacts, a="other ties"))
    entries = {**before.state.entries, **outcome.entries}
    after = replace(
        given,
        state=replace(given.state, entries=entries),
        warehouse=WarehouseFacts(relations=relations_of(artifacts, a="other ties")),
    )
    assert reasons(after)["b"] == "a is new"


def compared(before: Situation, now: Situation) -> dict[str, str]:
    """Return node name -> why it is built, of what is built where two compilations are compared."""
    first = make_plan(replace(before, compares=True, token="before", state=State()))
    stands = RelationFacts("as built")
    entries = {
        i: replace(d.entry, relation=before.warehouse.relations.get(i, stands))
        for i, d in first.items()
    }
    state = State(entries=entries)
    plan = make_plan(replace(now, compares=True, token="now", state=state))
    return {i.split(".")[2]: d.why for i, d in plan.items() if d.action == "build"}


def test_what_varies_by_itself_is_the_same_for_two_compilations() -> None:
    codes = {**CODES, C: 'select id, now() as at from "shop"."main"."a"'}
    given = situation(product(), codes=codes)
    assert compared(given, given) == {}
    other = replace(given, codes={**codes, C: codes[C].replace("id, ", "id, name, ")})
    assert compared(given, other) == {"c": "its code changed"}


def test_a_model_that_adds_passes_on_its_own_changes_only() -> None:
    adding = product(a={"materialization": "incremental"})
    given = situation(adding)
    assert compared(given, given) == {}
    changed = replace(given, codes={**CODES, A: CODES[A].replace(", amount", ", 1 as amount")})
    assert set(compared(given, changed)) == {"a", "b", "c", "checks_a"}


def test_a_node_that_dbt_could_not_compile_goes_by_its_checksum() -> None:
    codes = {i: each for i, each in CODES.items() if i != B}
    given = situation(product(b={"checksum": "1"}), codes=codes)
    assert compared(given, given) == {}
    changed = situation(product(b={"checksum": "2"}), codes=codes)
    assert compared(given, changed) == {"b": "its code changed"}


def test_a_view_is_not_taken_along_where_nothing_is_replaced() -> None:
    view = {"b": {"materialization": "view"}}
    postgres = product(**view)
    dbt = postgres.dbt.model_copy(update={"adapter": "postgres"})
    given = situation(postgres.model_copy(update={"dbt": dbt}))
    changed = replace(given, codes={**CODES, A: CODES[A].replace("amount", "amount + 1 as amount")})
    assert set(compared(given, changed)) == {"a", "c", "checks_a"}
