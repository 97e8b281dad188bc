"""What an assertion expects, by dbt's own reading of the condition."""

from __future__ import annotations

import pytest

from floe_core.lineage.node_facets import describe_expected

CONDITIONS = ["!= 0", "!=0", "<> 3", ">10", ">= 5", "< 3", "<=3", "= 5", "== 5", " > 2 "]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_number_is_expected_if_and_only_if_it_does_not_meet_the_condition(condition: str) -> None:
    rule = condition.replace("<>", "!=")
    rule = f"=={rule[1:]}" if rule.startswith("= ") else rule
    told = describe_expected(condition)
    told = f"== {told}" if told.isdecimal() else told
    for failures in range(15):
        # dbt evaluates `failures <condition>` in the warehouse.
        meets = eval(f"{failures} {rule}")
        assert eval(f"{failures} {told}") == (not meets), (failures, condition)


def test_dbts_default_expects_no_rows() -> None:
    assert (describe_expected(""), describe_expected("!= 0")) == ("0", "0")


def test_any_other_condition_is_told_as_its_opposite() -> None:
    assert describe_expected("between 1 and 5") == "not between 1 and 5"
