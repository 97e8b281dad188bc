"""Random changes: what `floe ci` builds and compares, beside full builds by plain dbt."""

from __future__ import annotations

import pytest
from changed_products import run_change

# Of these few, each has changes that reach further models.
FEW, MANY = [3, 6], [4, 7, 8, 9, 11, 20, 21, 22]


@pytest.mark.parametrize("seed", FEW)
def test_what_differs_is_built_and_nothing_more(seed: int) -> None:
    outcome = run_change(seed)
    assert outcome.wrong == []
    assert outcome.differing
    assert outcome.built < outcome.by_dbt


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_what_differs_is_built_and_nothing_more_in_many_changes(seed: int) -> None:
    outcome = run_change(seed)
    assert outcome.wrong == []
    assert outcome.built <= outcome.by_dbt
