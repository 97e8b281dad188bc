"""Checks that a run follows its parameters, passed in the orchestrator's own form."""

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
from floe_core.runs.run_parameters import RunParameters

RunWith = Callable[[RunParameters, bool], RanProduct]


class RunParameterChecks(MadeRuns):
    """Run parameters have the effect that they have in `dbt build`.

    Skipped if `run_with` is not implemented.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def ran_with(cls, tmp_path_factory: pytest.TempPathFactory) -> RunWith:
        """(Parameters, whether the product fails without them) -> what was recorded."""
        if cls.run_with is Subject.run_with:
            pytest.skip("run_with is not supplied")

        @cache
        def prepare(needs_them: bool) -> tuple[Any, Path]:
            changes = kit_product.NEEDS_PARAMETERS if needs_them else {}
            product = cls.compile(tmp_path_factory.mktemp("run"), changes)
            definitions = cls().plugin().create_definitions(product)
            # A run of a part of the product reads tables that this run builds.
            if not needs_them:
                cls().run(definitions, product.folder)
            return definitions, product.folder

        def run(parameters: RunParameters, needs_them: bool) -> RanProduct:
            return cls().run_with(*prepare(needs_them), parameters)

        return run

    @pytest.mark.parametrize(
        ("parameters", "nodes"), kit_product.SELECTIONS, ids=("select", "exclude", "types")
    )
    def test_a_run_builds_what_its_parameters_select(
        self, parameters: RunParameters, nodes: frozenset[str], ran_with: RunWith
    ) -> None:
        """Selected by dbt's selection syntax or by resource type; no other node is built."""
        assert ran_with(parameters, False) == RanProduct(True, nodes)

    def test_flags_and_vars_of_a_run_reach_dbt(self, ran_with: RunWith) -> None:
        """A model that fails without `full_refresh`, `empty` and a var is built."""
        ran = ran_with(kit_product.GIVEN_PARAMETERS, True)
        assert ran == RanProduct(True, kit_product.JOBS[kit_product.NAME])
