"""A check that a distribution adds to `floe doctor` and that does not load is a finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_core.cli.doctor.services import _added_findings


def test_it_is_named_and_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checks_of_a_test.py").write_text(
        "from floe_core.cli.doctor.finding import Finding\n"
        "def check(artifacts): return [Finding('moon', 'ok', artifacts.product.name)]\n"
    )
    info = tmp_path / "checks-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: checks\nVersion: 1.2\n")
    lines = "a-gone = no_such:check\nb-moon = checks_of_a_test:check\n"
    (info / "entry_points.txt").write_text(f"[floe.doctor_checks]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    artifacts = small_product()
    found = {each.subject: each for each in _added_findings(artifacts)}
    assert found["moon"].what == artifacts.product.name
    assert found["a-gone"].severity == "problem"
    assert "the check 'a-gone' of checks 1.2 does not load" in found["a-gone"].what
