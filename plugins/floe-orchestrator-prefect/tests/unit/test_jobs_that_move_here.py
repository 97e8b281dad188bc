"""A process that serves a product follows jobs that move here after it was started."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from updating_mesh import Mesh

from floe_core.ports.watch import look
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.ownership import first_owner
from floe_orchestrator_prefect.loader import load_product_flows


def test_updates_start_a_job_that_moved_here_after_the_process_was_started(tmp_path: Path) -> None:
    report = Mesh(tmp_path / "mesh", "prefect").consumers["report"]
    schedules, now = JobSchedules(report), datetime.now(UTC)
    another = first_owner("dagster")
    schedules.change_owner("report", None, another)
    served = load_product_flows("report", report.folder)
    assert look(served.compiled, "report", now).is_off
    here = another.model_copy(update={"orchestrator": "prefect", "epoch": 2})
    schedules.change_owner("report", another, here)
    assert not look(served.compiled, "report", now).is_off
    # The flows themselves have the schedules that they were loaded with.
    assert look(served.artifacts, "report", now).is_off
