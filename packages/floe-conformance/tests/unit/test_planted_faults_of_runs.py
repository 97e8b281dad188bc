"""Each check of runs fails for a plugin whose runs are broken in just that, and for no other.

That it is no other takes as many runs again as there are faults: it is looked at in `make test-slow`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from paper_orchestrator import PaperPlugin
from planted_faults import FAULTS
from pytest_of_its_own import OWN_CHECK, Outcomes, failed_checks, outcomes_of_paper

FILE = "conformance_of_faults_of_runs.py"
# They build with dbt, many times.
pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]
OF_RUNS = [each for each in FAULTS if each.is_run]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OWN_CHECK, "1")
        return outcomes_of_paper(FILE, tmp_path_factory.mktemp("paper"))


def test_the_right_plugin_passes_every_check(outcomes: Outcomes) -> None:
    assert set(outcomes["PaperPluginThatIsRun"].values()) == {"passed"}


@pytest.mark.parametrize("fault", OF_RUNS, ids=lambda fault: fault.__name__)
def test_a_fault_of_runs_fails_its_check(fault: type[PaperPlugin], outcomes: Outcomes) -> None:
    assert failed_checks(fault, outcomes) == {fault.caught_by}  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_fault_of_runs_fails_no_other_check(tmp_path: Path) -> None:
    outcomes = outcomes_of_paper(FILE, tmp_path)
    expected = {fault.__name__: {fault.caught_by} for fault in OF_RUNS}  # type: ignore[attr-defined]
    assert {fault.__name__: failed_checks(fault, outcomes) for fault in OF_RUNS} == expected
    checks = {frozenset(outcomes[fault.__name__]) for fault in OF_RUNS}
    assert checks == {frozenset(outcomes["PaperPluginThatIsRun"])}
