"""The script that kills processes of runs works, and is not content with a run without lineage."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from floe_core.storage.spooling.spool import Spool

SCRIPT = Path(__file__).parents[2] / "scripts" / "kill_campaign.py"


@pytest.mark.slow
def test_one_kill_is_borne_well() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--on", "dagster", "--kills", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| orchestrator | victim | kills | runs that succeeded | borne well |" in done.stdout
    assert done.stdout.endswith("\n1 of 1 kills borne well\n")


def test_lineage_without_events_or_without_an_end_is_a_problem(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kill_campaign", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    campaign = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = campaign
    spec.loader.exec_module(campaign)
    assert campaign.problems_of_lineage(tmp_path) == ["lineage: no events"]
    event = {"run": {"runId": "r"}, "job": {"name": "shop"}}
    spool = Spool(tmp_path)
    spool.append({**event, "eventType": "START"})
    assert campaign.problems_of_lineage(tmp_path) == ["lineage of shop: ['START']"]
    spool.append({**event, "eventType": "COMPLETE"})
    assert campaign.problems_of_lineage(tmp_path) == []
