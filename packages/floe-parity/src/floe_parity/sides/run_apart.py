"""Run a product apart from production, to compare or to check it: nobody else learns of the run."""

from __future__ import annotations

from pathlib import Path

from floe_core.alerts import report
from floe_core.partitions import store
from floe_core.ports import ledger
from floe_core.reuse import state_store
from floe_core.runs import dbt_files

# Schedules are only read by a run, and without alerts nothing is written to their store.
_SHARED = (ledger.LEDGER_VARIABLE, store.STORE_VARIABLE, state_store.STORE_VARIABLE)


def prepare_run_apart(folder: Path) -> dict[str, str]:
    """Create the folder, and return the environment variables of such a run.

    It sends no alerts and publishes no artifacts of dbt. What it would write to stores that
    products share, it writes to the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disabled = (report.DISABLED_VARIABLE, dbt_files.DISABLED_VARIABLE)
    return {**dict.fromkeys(_SHARED, str(folder)), **dict.fromkeys(disabled, "true")}
