"""Each check of runs fails for a plugin whose runs are broken in just that, and for no other."""

from __future__ import annotations

import pytest
from paper_orchestrator import PaperPlugin
from planted_faults import FAULTS
from pytest_of_its_own import Outcomes, failed_checks, outcomes_of_paper

# They build with dbt, many times.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    return outcomes_of_paper("conformance_of_faults_of_runs.py", tmp_path_factory.mktemp("paper"))


def test_the_right_plugin_passes_every_check(outcomes: Outcomes) -> None:
    assert set(outcomes["PaperPluginThatIsRun"].values()) == {"passed"}


@pytest.mark.parametrize(
    "fault", [each for each in FAULTS if each.is_run], ids=lambda fault: fault.__name__
)
def test_a_fault_of_runs_fails_its_check_and_no_other(
    fault: type[PaperPlugin], outcomes: Outcomes
) -> None:
    assert failed_checks(fault, outcomes) == {fault.caught_by}  # type: ignore[attr-defined]
    assert outcomes[fault.__name__].keys() == outcomes["PaperPluginThatIsRun"].keys()
