"""Run the kit in a pytest of its own, beside paper plugins that are installed for it alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from paper_orchestrator import PLUGINS, PaperPlugin

PAPER = Path(__file__).parent

OWN_CHECK = "FLOE_TEST_OWN_CHECK"
_FAILED = ("failure", "error")

Outcomes = Mapping[str, Mapping[str, str]]


def install(site: Path, entry_points: Mapping[str, str]) -> None:
    """Install plugins in a folder: name of the orchestrator -> module and class."""
    info = site / "paper_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper-plugins\nVersion: 1.0\n")
    lines = [f"{name} = {place}" for name, place in entry_points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[floe.orchestrators]", *lines, ""]))


def outcomes_of(tests: Path, site: Path) -> Outcomes:
    """Return class -> check -> passed, failure, error or skipped."""
    report = site / "report.xml"
    options = ["-p", "no:cacheprovider", f"--basetemp={site / 'tmp'}", f"--junitxml={report}"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(tests)],
        env={**os.environ, "PYTHONPATH": f"{PAPER}{os.pathsep}{site}", "TMPDIR": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert report.is_file(), done.stdout + done.stderr
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for case in ElementTree.parse(report).iter("testcase"):
        became = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name_of_class = case.attrib["classname"].rpartition(".Test")[2]
        found[name_of_class][case.attrib["name"]] = became[0] if became else "passed"
    return found


def outcomes_of_paper(tests: str, site: Path) -> Outcomes:
    """Return what became of the checks in a file of this folder, with every paper plugin there."""
    install(site, {key: f"{each.__module__}:{each.__name__}" for key, each in PLUGINS.items()})
    return outcomes_of(PAPER / tests, site)


def failed_checks(fault: type[PaperPlugin], outcomes: Outcomes) -> set[str]:
    """Return the checks that failed of a fault, with parameters where its `caught_by` has any."""
    caught_by: str = fault.caught_by  # type: ignore[attr-defined]
    failed = {name for name, what in outcomes[fault.__name__].items() if what in _FAILED}
    return {name if "[" in caught_by else name.partition("[")[0] for name in failed}
