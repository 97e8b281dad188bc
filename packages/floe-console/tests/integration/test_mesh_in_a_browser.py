"""The page shows, in a real browser, the graph of products, and what waits or was saved.

The truth is with the receivers of alerts and events, in the ledger, and in what each run built.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from alert_receiver import AlertReceiver
from console_browser import Looked, served
from dagster_pages import webserver
from free_port import free_port
from mesh_products import Mesh
from playwright.sync_api import Locator, Page, expect
from warm_floe import floe

from floe_console.data.refresh import Pace, Platform

pytestmark = pytest.mark.long
expect.set_options(timeout=60_000)

ALERTS = "FLOE_TEST_ALERTS"
OF_CRM = f"""\
execution: {{reuse: unchanged}}
alerts: [{{on: [failure, recovery], to: "env:{ALERTS}"}}]
"""
# A second or so, which reuse saves.
SLOW = (
    "select 1 as customer_id, 'ada' as name, 'nowhere' as address\n"
    "from (select count(*) as c from range(400000000) as t(i) where i % 7 = 3)"
)
WAITS = "Alerts"
EVENTS = "Lineage events"


@dataclass
class Scene:
    """A mesh whose crm failed, was repaired and then reused; nobody took its alerts and events."""

    mesh: Mesh
    platform: Platform
    alerts: AlertReceiver
    events: AlertReceiver

    def flush(self) -> None:
        """Let the receivers come back, and deliver what waits."""
        self.alerts.open()
        self.events.open()
        for what in ("alerts", "lineage"):
            done = floe(what, "flush", self.mesh.folder / "crm")
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder, port = tmp_path_factory.mktemp("mesh"), free_port()
    alerts, events = AlertReceiver(), AlertReceiver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ALERTS, alerts.url)
        patch.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{events.port}")
        config = f"{{url: 'http://127.0.0.1:{port}'}}"
        mesh = Mesh(folder, "dagster", config=config, more={"crm": OF_CRM})
        mesh.compile()
        for model, code in (("select broken", 1), (SLOW, 0), (SLOW, 0)):
            mesh.write_model("crm", "dim_customers", model)
            assert floe("run", folder / "crm").returncode == code
        platform = Platform(folder / "manifest-crm.yaml", pace=Pace(runs=1.0))
        with webserver(mesh.artifacts("crm"), port=port):
            yield Scene(mesh, platform, alerts, events)
    alerts.close()
    events.close()


@pytest.fixture(scope="module")
def url(scene: Scene) -> Iterator[str]:
    with served(scene.platform) as address:
        yield address


def fact(page: Page, name: str) -> Locator:
    return page.locator(f"dt:text-is('{name}') + dd")


def edges(page: Page) -> dict[str, bool]:
    """Return the title of each edge of the graph, and whether the reader waits for it."""
    return {
        each.locator("title").inner_html(): "waits" in str(each.get_attribute("class"))
        for each in page.locator("svg.graph path.edge").all()
    }


def test_the_graph_has_an_edge_for_each_port_and_shows_what_is_waited_for(
    look: Looked, scene: Scene
) -> None:
    page = look.open().page
    expect(page.locator("svg.graph a.node")).to_have_count(3)
    expect(page.locator("svg.graph path.edge.waits")).to_have_count(1)
    # crm has updated its port, and billing has not.
    assert edges(page) == {
        "marts reads crm/customers@1": False,
        "marts reads billing/invoices@1": True,
    }
    assert floe("run", scene.mesh.folder / "billing").returncode == 0
    expect(page.locator("svg.graph path.edge.waits")).to_have_count(0)
    assert len(edges(page)) == 2


def test_the_graph_leads_to_a_product_and_is_drawn_around_it(look: Looked) -> None:
    page = look.open().page
    page.locator("svg.graph a.node", has_text="billing").click()
    expect(page.locator("h2")).to_have_text("billing")
    # What it feeds; crm feeds that as well, and is not fed or read by billing.
    expect(page.locator("svg.graph a.node")).to_have_count(2)
    expect(page.locator("svg.graph a.node.middle")).to_contain_text("billing")
    page.locator("svg.graph a.node", has_text="marts").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h2")).to_have_text("marts")
    expect(page.locator("svg.graph a.node")).to_have_count(3)


def test_the_graph_is_zoomed_moved_and_hidden(look: Looked) -> None:
    page = look.open().page
    graph = page.locator("svg.graph")
    expect(graph.locator("a.node")).to_have_count(3)
    whole = box_of(page)
    page.get_by_role("button", name="Zoom in").click()
    near = box_of(page)
    assert near[2] < whole[2]
    page.mouse.move(*corner_of(graph))
    page.mouse.down()
    page.mouse.move(*(each + 40 for each in corner_of(graph)))
    page.mouse.up()
    moved = box_of(page)
    assert moved[0] < near[0]
    assert moved[1] < near[1]
    assert moved[2:] == near[2:]
    page.get_by_role("button", name="Fit the graph").click()
    assert box_of(page) == whole
    page.get_by_role("button", name="Hide the graph").click()
    expect(graph).to_have_count(0)
    page.get_by_role("button", name="Show the graph").click()
    expect(graph.locator("a.node")).to_have_count(3)


def box_of(page: Page) -> list[float]:
    """Return the part of the drawing that is seen: left, top, width and height."""
    box = page.locator("svg.graph").get_attribute("viewBox")
    return [float(each) for each in str(box).split()]


def corner_of(graph: Locator) -> tuple[float, float]:
    box = graph.bounding_box()
    assert box
    return box["x"] + 6, box["y"] + 6


def test_a_search_fades_what_it_does_not_match(look: Looked) -> None:
    page = look.open().page
    page.locator("#text").fill("crm")
    expect(page.locator("svg.graph a.node:not(.far)")).to_have_count(1)
    expect(page.locator("svg.graph a.node:not(.far)")).to_contain_text("crm")
    expect(page.locator("main tbody tr")).to_have_count(1)


def test_a_port_says_when_it_was_updated_and_who_reads_it(look: Looked, scene: Scene) -> None:
    page = look.open("#/product/crm").page
    port = page.locator("details", has_text="crm/customers@1")
    expect(port.locator("summary")).to_contain_text("updated")
    port.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(port.get_by_role("link", name="marts")).to_be_visible()
    columns = port.locator("tbody th").all_inner_texts()
    assert columns == ["customer_id", "name", "address"]
    # It stays open, and has the focus, when the page is drawn anew.
    page.evaluate("document.querySelector('main details').dataset.old = 'yes'")
    assert floe("run", scene.mesh.folder / "billing").returncode == 0
    expect(page.locator("main details[data-old]")).to_have_count(0)
    expect(port.get_by_role("link", name="marts")).to_be_visible()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_what_reuse_saved_is_what_the_run_before_took(look: Looked, scene: Scene) -> None:
    page = look.open("#/product/crm").page
    expect(fact(page, "Reuse")).to_contain_text("1 node reused")
    expect(fact(page, "Reuse")).to_contain_text("saved in the last 3 runs")
    expect(fact(look.open("#/product/marts").page, "Reuse")).to_contain_text("unknown")


def test_alerts_and_events_wait_until_somebody_takes_them(look: Looked, scene: Scene) -> None:
    page = look.open("#/product/crm").page
    expect(fact(page, WAITS)).to_contain_text("2 wait, 0 refused: ")
    expect(fact(page, EVENTS)).not_to_contain_text("unknown")
    told = fact(page, EVENTS).inner_text()
    waiting = int(told.split(" wait")[0])
    assert "refused" in told.lower()
    row = look.open().page.locator("tr[data-product=crm] td.why")
    expect(row).to_contain_text(f"2 alerts wait · {waiting} lineage events wait · reuse saved")

    scene.flush()
    assert len(scene.alerts.wait_for(2)) == 2
    assert len(scene.events.posted) == waiting
    page = look.open("#/product/crm").page
    expect(fact(page, WAITS)).to_have_text("0 wait, 0 refused")
    expect(fact(page, EVENTS)).to_have_text("0 wait, 0 refused")
    row = look.open().page.locator("tr[data-product=crm] td.why")
    expect(row).not_to_contain_text("wait")
