"""The page of a platform on a running Dagster, Airflow and Prefect, in a real browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import pytest
from console_browser import Looked, served
from live_platform import LivePlatform, live_platform
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from playwright.sync_api import expect

from floe_console.data.access import manifests_at
from floe_console.data.refresh import Pace, Platform

pytestmark = pytest.mark.slow

FLOE = Path(sys.executable).parent / "floe"
expect.set_options(timeout=120_000)
# Some seconds, in which the page must show that the run is under way.
SLOW = (
    "select 1 as customer_id, 'ada' as name, 'nowhere' as address\n"
    "from (select count(*) as c from range(3000000000) as t(i) where i % 7 = 3)"
)
BAD = (
    "select name, cast(name as integer) as amount from {{ ref('stg_customers') }}\n"
    "join {{ ref('billing', 'fct_invoices') }} using (customer_id)"
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePlatform]:
    schedule = "{cron: '0 7 * * *', timezone: UTC}"
    with live_platform(tmp_path_factory.mktemp("live"), schedule=schedule) as found:
        found.run_billing()
        found.mesh.write_model("marts", "revenue", BAD)
        found.mesh.compile("marts")
        found.run_marts()
        yield found


@pytest.fixture(scope="module")
def url(live: LivePlatform) -> Iterator[str]:
    platform = Platform(live.manifest, manifests_at(live.manifests), Pace(runs=1.0))
    with served(platform) as address:
        yield address


def test_runs_of_all_three_are_in_one_list(look: Looked) -> None:
    page = look.open("#/runs").page
    expect(page.locator("main tbody tr")).to_have_count(3)
    places = page.locator("main tbody td:last-child").all_inner_texts()
    assert sorted(places) == ["airflow", "dagster", "prefect"]


def test_a_failure_is_followed_to_its_sql(look: Looked) -> None:
    page = look.open().page
    page.locator("main tbody tr", has_text="failed").get_by_role(
        "link", name="marts", exact=True
    ).click()
    expect(page.locator("main > p.bad")).to_contain_text("revenue: Conversion Error")
    page.locator("main tbody a[data-focus^='run ']").first.click()
    expect(page.locator("main h2")).to_have_text("Run of marts")
    link = page.get_by_role("link", name="prefect").get_attribute("href")
    assert link
    assert "/runs/flow-run/" in link
    page.get_by_role("link", name="revenue").click()
    expect(page.locator(".failure pre")).to_contain_text("Could not convert string 'ada'")
    expect(page.locator(".code pre")).to_contain_text('from "mesh"."marts"."stg_customers"')


def test_a_run_is_seen_to_begin_and_to_end(look: Looked, live: LivePlatform) -> None:
    live.mesh.write_model("crm", "dim_customers", SLOW)
    live.mesh.compile("crm")
    page = look.open("#/runs").page
    expect(page.locator("main tbody tr")).to_have_count(3)
    run_id = live.run_crm()
    row = page.locator("main tbody tr", has=page.locator(f"a[data-focus='run dagster {run_id}']"))
    expect(row.locator(".badge")).to_contain_text("running")
    row.get_by_role("link").click()
    expect(page.locator(".progress")).to_contain_text("now dim_customers")
    expect(page.locator("main .title .badge")).to_contain_text("success")
    expect(page.locator(".progress")).to_contain_text("1 of 1 node")


def test_the_same_is_printed_as_json(live: LivePlatform, url: str) -> None:
    access = [each for file in live.manifests for each in ("--access", str(file))]
    command = [FLOE, "mesh", live.manifest, "--json", "--timeout", "60", *access]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    data = json.loads(done.stdout)
    found = {each["name"]: (each["place"], each["status"]) for each in data["products"]}
    assert found == {
        "crm": ("dagster", "ok"),
        "billing": ("airflow", "ok"),
        "marts": ("prefect", "failed"),
    }


def test_a_program_is_told_why_a_run_failed(live: LivePlatform) -> None:
    access = [each for file in live.manifests for each in ("--access", str(file))]
    parameters = StdioServerParameters(
        command=str(FLOE), args=["mcp", str(live.manifest), *access], env={**os.environ}
    )

    async def ask() -> str:
        async with stdio_client(parameters) as (read, write), ClientSession(read, write) as client:
            await client.initialize()
            answer = await client.call_tool("why_did_this_fail", {"product": "marts"})
            return str(answer.content[0].text)

    # The browser has the event loop of this thread.
    with ThreadPoolExecutor(1) as pool:
        text = pool.submit(anyio.run, ask).result()
    found = json.loads(text[text.index("{") : text.rindex("}") + 1])
    [node] = found["failed_nodes"]
    assert (found["run"]["place"], node["unique_id"]) == ("prefect", "model.marts.revenue")
    assert "Could not convert string 'ada'" in node["message"]["untrusted_text"]
    assert 'from "mesh"."marts"."stg_customers"' in node["compiled_sql"]["untrusted_text"]
    assert found["counts"] == {"error": 1, "success": 1}


def test_without_access_to_one_its_product_is_unknown(live: LivePlatform) -> None:
    command = [FLOE, "mesh", live.manifest, "--json", "--access", live.manifests[0]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = {each["name"]: each for each in json.loads(done.stdout)["products"]}
    assert found["marts"]["status"] == "unknown"
    assert "name one that does with --access" in found["marts"]["why"]


def test_what_is_not_installed_is_named(live: LivePlatform) -> None:
    blocked = (
        "import sys; sys.modules['uvicorn'] = None; from floe_core.cli.main import main; main()"
    )
    command = [sys.executable, "-c", blocked, "mesh", live.manifest, "--serve"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "pip install 'floe-orchestration[console]'" in done.stderr
