"""Checks that the orchestrator loads the environment that FLOE_ENV names."""

from __future__ import annotations

import pytest

from floe_conformance import kit_product
from floe_conformance.subject import Subject
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.environment_choice import ENVIRONMENT_VARIABLE


class EnvironmentChecks(Subject):
    """One compiled folder serves all environments."""

    def test_a_schedule_is_that_of_the_environment(
        self, product: CompiledArtifacts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Loaded from the same folder, the product's own job has the ticks of the environment."""
        monkeypatch.setenv(ENVIRONMENT_VARIABLE, kit_product.ENVIRONMENT)
        jobs = self.load(CompiledArtifacts.load(product.folder)).jobs
        found = jobs[kit_product.NAME].ticks_between(*kit_product.SPAN)
        assert found == kit_product.ENVIRONMENT_TICKS
