"""A run does what its parameters say, given in the orchestrator's own form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from floe_conformance import kit_product
from floe_conformance.checks.made_runs import MadeRuns
from floe_conformance.records import RanProduct
from floe_conformance.subject import Subject
from floe_core.run_parameters import RunParameters

RunWith = Callable[[RunParameters, bool], RanProduct]


class RunParameterChecks(MadeRuns):
    """What a form offers is what `dbt build` does. Skipped where `run_with` is not supplied."""

    @pytest.fixture(scope="class")
    @classmethod
    def ran_with(cls, tmp_path_factory: pytest.TempPathFactory) -> RunWith:
        """Parameters -> what was recorded; True for the product that needs them."""
        if cls.run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")

        @cache
        def prepared(needs_them: bool) -> tuple[Any, Path]:
            changes = kit_product.NEEDS_PARAMETERS if needs_them else {}
            product = cls.compile(tmp_path_factory.mktemp("run"), changes)
            definitions = cls().plugin().create_definitions(product)
            # What a part of the product reads is there.
            if not needs_them:
                cls().run(definitions, product.folder)
            return definitions, product.folder

        def run(parameters: RunParameters, needs_them: bool) -> RanProduct:
            return cls().run_with(*prepared(needs_them), parameters)

        return run

    @pytest.mark.parametrize(
        ("parameters", "nodes"), kit_product.SELECTIONS, ids=("select", "exclude", "types")
    )
    def test_a_run_builds_what_its_parameters_select(
        self, parameters: RunParameters, nodes: frozenset[str], ran_with: RunWith
    ) -> None:
        """By dbt's selection syntax, and by types of resources; nothing else is done."""
        assert ran_with(parameters, False) == RanProduct(True, nodes)

    def test_flags_and_vars_of_a_run_reach_dbt(self, ran_with: RunWith) -> None:
        """A model that fails without `full_refresh`, `empty` and a var."""
        ran = ran_with(kit_product.TOLD_PARAMETERS, True)
        assert ran == RanProduct(True, kit_product.JOBS[kit_product.NAME])
