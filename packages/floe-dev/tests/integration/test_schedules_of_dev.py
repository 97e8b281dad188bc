"""`floe schedule` and `floe show` while a `floe dev` is up, on a port that the manifest doesn't name.

The oracles are the orchestrator's own next tick, as its API reports it, and the calendar.
"""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from dev_session import dev_of, floe, product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("orchestrator", ["dagster", "prefect", "airflow"])
def test_a_schedule_set_is_that_of_what_is_up(orchestrator: str, tmp_path: Path) -> None:
    shop = product(tmp_path, orchestrator)
    with dev_of(shop, "--schedules", "--port", free_port()) as dev:
        dev.await_line("pages, with the product")
        row = schedule(shop, "set", "--cron", "30 5 * * *")
        assert (row["cron"], row["running"]) == (
            "30 5 * * *",
            {"orchestrator": orchestrator, "enabled": True, "next_tick": next_half_past_five()},
        )
        assert schedule(shop, "pause")["running"]["next_tick"] is None
        (shop / "models/second_model.sql").write_text("select * from {{ ref('first_model') }}")
        shown = json.loads(floe("show", shop, "--json").stdout)["nodes"]
        assert "model.shop.second_model" in shown
        # `floe dev` has compiled it: the folder is that of the change.
        assert "second_model" in (shop / "compiled_artifacts.json").read_text()


@pytest.mark.parametrize("orchestrator", ["dagster", "airflow"])
def test_paused_schedules_stay_paused(orchestrator: str, tmp_path: Path) -> None:
    """The change is stored, for when schedules run, and takes no wait for what never comes."""
    shop = product(tmp_path, orchestrator)
    with dev_of(shop, "--port", free_port()) as dev:
        dev.await_line("pages, with the product")
        row = schedule(shop, "set", "--cron", "30 5 * * *")
        assert (row["cron"], row["paused"], row["next_tick"]) == (
            "30 5 * * *",
            False,
            next_half_past_five(),
        )
        assert row["running"]["next_tick"] is None


def schedule(shop: Path, what: str, *options: str) -> dict[str, Any]:
    done = floe("schedule", what, shop, *options, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def next_half_past_five() -> str:
    now = datetime.now(UTC)
    today = now.replace(hour=5, minute=30, second=0, microsecond=0)
    return (today if today > now else today + timedelta(days=1)).isoformat()


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
