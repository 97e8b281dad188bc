"""Each check of the kit fails for a plugin that is broken in just that, and for no other."""

from __future__ import annotations

import pytest
from paper_orchestrator import PLUGINS, PaperPlugin
from planted_faults import FAULTS
from pytest_of_its_own import PAPER, Outcomes, install, outcomes_of

from floe_conformance import OrchestratorConformance


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    site = tmp_path_factory.mktemp("paper")
    install(site, {key: f"{each.__module__}:{each.__name__}" for key, each in PLUGINS.items()})
    return outcomes_of(PAPER / "conformance_of_faults.py", site)


def test_the_right_plugin_passes_every_check(outcomes: Outcomes) -> None:
    assert set(outcomes["PaperPluginThatIsRun"].values()) == {"passed"}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_fails_its_check_and_no_other(fault: type[PaperPlugin], outcomes: Outcomes) -> None:
    of_checks = outcomes[fault.__name__]
    failed = {name for name, became in of_checks.items() if became in ("failure", "error")}
    caught_by = fault.caught_by  # type: ignore[attr-defined]
    assert {name if "[" in caught_by else name.partition("[")[0] for name in failed} == {caught_by}
    assert len(of_checks) == len(outcomes["PaperPluginThatIsRun"])


def test_every_check_has_a_fault_that_it_finds() -> None:
    checks = {name for name in dir(OrchestratorConformance) if name.startswith("test_")}
    assert {fault.caught_by.partition("[")[0] for fault in FAULTS} == checks
