"""The graph of a product's run in Prefect's pages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from browser import Page, shows
from free_port import free_port

from floe_core.foundation.service_probe import send_request
from floe_core.plugin_api.powers import DevOptions
from floe_core.schemas import CompiledArtifacts
from floe_orchestrator_prefect.local.dev_session import serve_dev

REQUEST_SECONDS = 60.0


def picture_of_flow_run(page: Page, product: Path, path: Path) -> None:
    """Run a product on Prefect, and write the picture of the flow run, each node as a task run."""
    floe = Path(sys.executable).parent / "floe"
    subprocess.run([floe, "run", product, "--on", "prefect"], check=True)
    artifacts = CompiledArtifacts.load(product)
    options = DevOptions(product, free_port(), follows_schedules=False, variables={})
    with serve_dev([], options) as session:
        session.take_up(artifacts)
        run = _ended_run(session.pages)
        page.open(f"{session.pages}/runs/flow-run/{run}", ready=shows("Completed"))
        time.sleep(3)
        page.press("Recenter graph (c)")
        time.sleep(2)
        page.take(path)


def _ended_run(pages: str) -> str:
    url = f"{pages}/api/flow_runs/filter"
    ended = {"state": {"type": {"any_": ["COMPLETED"]}}}
    body = {"sort": "START_TIME_DESC", "limit": 1, "flow_runs": ended}
    deadline = time.monotonic() + REQUEST_SECONDS
    found = json.loads(send_request("POST", url, json_body=body, deadline=deadline).body)
    return str(found[0]["id"])
