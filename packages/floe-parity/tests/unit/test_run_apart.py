"""A comparison or a check writes to no store that products share, whichever there are."""

from __future__ import annotations

import re
from pathlib import Path

import floe_core
from floe_parity.sides.scratch import prepare_run_apart

# Runs only read schedules, and write nothing to the store of alerts without alerts.
NOT_WRITTEN = {"FLOE_SCHEDULE_STORE", "FLOE_ALERT_STORE"}
_NAME = re.compile(r'"(FLOE_(?:[A-Z]+_STORE|LEDGER))"')


def test_each_shared_store_has_a_place_apart(tmp_path: Path) -> None:
    sources = Path(floe_core.__file__).parent.rglob("*.py")
    known = {name for source in sources for name in _NAME.findall(source.read_text())}
    assert len(known) >= 5
    apart = tmp_path / "work" / "shared"
    found = prepare_run_apart(apart)
    assert {name for name, value in found.items() if value == str(apart)} == known - NOT_WRITTEN
    assert apart.is_dir()
    disabled = {"FLOE_ALERTS_DISABLED", "FLOE_ARTIFACTS_DISABLED"}
    assert {name for name, value in found.items() if value == "true"} == disabled
