"""Each check of the kit fails for a plugin that is broken in just that, and for no other.

Those broken in their runs are in a file of their own, which runs at the same time.
"""

from __future__ import annotations

import pytest
from paper_orchestrator import PaperPlugin
from planted_faults import FAULTS
from pytest_of_its_own import Outcomes, failed_checks, outcomes_of_paper

from floe_conformance import OrchestratorConformance

# Each fault is a plugin that the kit checks.
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes_of_paper("conformance_of_faults.py", tmp_path_factory.mktemp("paper"))


def test_the_right_plugin_passes_every_check_that_needs_no_run(outcomes: Outcomes) -> None:
    assert set(outcomes["PaperPlugin"].values()) == {"passed", "skipped"}


@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if not each.is_run], ids=lambda fault: fault.__name__
)
def test_a_fault_fails_its_check_and_no_other(fault: type[PaperPlugin], outcomes: Outcomes) -> None:
    assert failed_checks(fault, outcomes) == {fault.caught_by}  # type: ignore[attr-defined]
    assert outcomes[fault.__name__].keys() == outcomes["PaperPlugin"].keys()


def test_every_check_has_a_fault_that_it_finds() -> None:
    checks = {name for name in dir(OrchestratorConformance) if name.startswith("test_")}
    assert {fault.caught_by.partition("[")[0] for fault in FAULTS} == checks
