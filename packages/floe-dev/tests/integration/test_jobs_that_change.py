"""Jobs that are added to floe.yaml, renamed and removed while a `floe dev` is up.

The oracle is the orchestrator's own API.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from wait_for import wait_for

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import PATIENCE, dev_of, product
from edit_session import jobs_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_the_pages_have_the_jobs_of_floe_yaml_and_no_other(
    orchestrator: str, tmp_path: Path
) -> None:
    shop = product(tmp_path, orchestrator)
    spec = (shop / "floe.yaml").read_text()
    with dev_of(shop) as dev:
        dev.await_line("pages, with the product")
        for names in (["first"], ["second", "third"], []):
            jobs = "".join(f"- {{name: {name}, select: first_model}}\n" for name in names)
            (shop / "floe.yaml").write_text(f"{spec}jobs:\n{jobs}" if names else spec)
            want = sorted([*names, "shop"])
            wait_for(lambda want=want: jobs_of(dev.pages, orchestrator) == want, PATIENCE)
