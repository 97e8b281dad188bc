"""Each check of the kit fails for a plugin that is broken in just that, and for no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

import pytest

PAPER = Path(__file__).parents[1] / "paper"
sys.path.insert(0, str(PAPER))

from paper_orchestrator import PLUGINS, PaperPlugin  # noqa: E402
from planted_faults import FAULTS  # noqa: E402

from floe_conformance import OrchestratorConformance  # noqa: E402

Outcomes = Mapping[str, Mapping[str, str]]


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """Return plugin class -> check -> what became of it, from one run of pytest over all."""
    folder = tmp_path_factory.mktemp("paper")
    install_all(folder)
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", str(PAPER / "conformance_of_faults.py")]
    options = ["-p", "no:cacheprovider", f"--basetemp={folder / 'tmp'}", f"--junitxml={report}"]
    done = subprocess.run(
        [*command, *options],
        env={**os.environ, "PYTHONPATH": f"{PAPER}{os.pathsep}{folder}", "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout + done.stderr
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        became = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[case.attrib["classname"].rpartition(".Test")[2]][case.attrib["name"]] = (
            became[0] if became else "passed"
        )
    return found


def install_all(site: Path) -> None:
    """Install each paper plugin under the name of its class."""
    info = site / "paper_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-plugins\nVersion: 1.0\n")
    places = [f"paper-{name} = {each.__module__}:{name}" for name, each in PLUGINS.items()]
    (info / "entry_points.txt").write_text("\n".join(["[floe.orchestrators]", *places, ""]))


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
