"""The page in a real browser: 200 products and 10,000 runs in the records of a real Dagster."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from big_platform import big_platform, big_product
from console_browser import Looked, served
from free_port import free_port
from playwright.sync_api import Browser, expect

from floe_console.data.refresh import Pace, Platform

pytestmark = pytest.mark.long
# On a busy machine, Dagster's first answer takes a while.
expect.set_options(timeout=60_000)

HOSTILE = (
    "<script>document.title = 'stolen'</script></script><img src=x onerror=alert(1)>"
    "\"'><b>bold</b> {{ 7 * 7 }} " + "x" * 10_000
)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("big")
    hostile = big_product("hostile", [], HOSTILE)
    with big_platform(folder, 199, 10_000, [hostile]) as big:
        yield Platform(big.manifest)


@pytest.fixture(scope="module")
def url(platform: Platform) -> Iterator[str]:
    with served(platform) as address:
        yield address


def rows(looked: Looked) -> int:
    return looked.page.locator("main tbody tr").count()


def test_all_products_are_listed_the_worst_first(look: Looked) -> None:
    page = look.open().page
    expect(page.locator("main tbody tr")).to_have_count(200)
    expect(page.locator(".chip").first).to_have_text("200 products")
    expect(page.locator("main .badge").first).to_contain_text("failed")
    page.locator(".chip.bad").click()
    expect(page.locator("main tbody tr")).not_to_have_count(200)
    assert {*page.locator("main tbody .badge").all_inner_texts()} == {"✕\nfailed"}


def test_the_first_paint_needs_no_orchestrator(look: Looked) -> None:
    page = look.open().page
    page.locator("main tbody tr").first.wait_for()
    first = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    # A second on a machine that does nothing else; a busy one gets more.
    assert page.evaluate(first) < 5_000


def test_products_and_runs_are_searched(look: Looked) -> None:
    page = look.open().page
    page.locator("main tbody tr").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("hostile")
    expect(page.locator("main tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator("#text").fill("")
    expect(page.locator("#count")).to_have_text("10,000 runs", timeout=60_000)
    page.get_by_label("Status").select_option("failed")
    expect(page.locator("#count")).not_to_have_text("10,000 runs")
    assert {*page.locator("main tbody .badge").all_inner_texts()} == {"✕\nfailed"}
    page.locator("#text").fill("risk")
    expect(page.locator("main tbody th").first).to_contain_text("risk-product")
    assert rows(look) <= 100
    page.get_by_label("Time").select_option("24")
    expect(page.locator("main tbody time").first).to_contain_text("h ago")


def test_a_search_that_matches_nothing_says_so(look: Looked) -> None:
    page = look.open("#/runs").page
    page.locator("#count").wait_for()
    page.locator("#text").fill("no-run-has-this")
    expect(page.locator("#count")).to_have_text("0 runs")
    expect(page.locator("main")).to_contain_text("No run matches.")


def test_what_users_wrote_is_shown_as_text(look: Looked) -> None:
    page = look.open("#/product/hostile").page
    expect(page.locator("main .text")).to_contain_text("<script>document.title = 'stolen'</script>")
    assert page.locator("main script, main img, main b").count() == 0
    assert "stolen" not in page.title()
    assert len(page.locator("main .text").inner_text()) < 500
    page.get_by_role("button", name="Show all").click()
    assert "x" * 10_000 in page.locator("main .text").inner_text()
    # As wide as the window, however long a word is.
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_address_names_what_is_shown_whatever_is_in_it(look: Looked) -> None:
    page = look.open("#/product/%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E").page
    expect(page.locator("main")).to_contain_text("There is no such product")
    page.goto(f"{look.url}#/run/dagster/hostile/gone")
    expect(page.locator("main")).to_contain_text("no such run is known")
    look.complaints.clear()  # The browser reports the 404.
    page.goto(f"{look.url}#/product/%")
    expect(page.locator("main")).to_contain_text("There is no such product")


def test_all_is_reached_by_keyboard(look: Looked) -> None:
    page = look.open().page
    page.locator("main tbody tr").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    focused = page.evaluate("document.activeElement.dataset.focus")
    assert focused == page.locator("main tbody th a").nth(0).get_attribute("data-focus")
    name = page.locator("main tbody th a").nth(0).inner_text()
    page.keyboard.press("Enter")
    expect(page.locator("h2")).to_have_text(name)
    page.keyboard.press("Escape")
    expect(page.locator("main tbody tr")).to_have_count(200)


def test_the_focus_stays_when_the_page_is_drawn_anew(look: Looked, platform: Platform) -> None:
    page = look.open().page
    page.locator("main tbody tr").first.wait_for()
    page.keyboard.press("j")
    focused = page.evaluate("document.activeElement.dataset.focus")
    page.evaluate("document.querySelector('main tbody').dataset.old = 'yes'")
    # The next look at the products forgets what is written here.
    for _ in range(120):
        platform.problem, platform.version = "something new", platform.version + 1
        page.wait_for_timeout(500)
        if "something new" in page.locator("#notices").inner_text():
            break
    expect(page.locator("main tbody[data-old]")).to_have_count(0)
    assert page.evaluate("document.activeElement.dataset.focus") == focused


def test_dark_mode_is_dark_and_as_readable(browser: Browser, url: str) -> None:
    grounds = {}
    for scheme in ("light", "dark"):
        looked = Looked(browser, url, color_scheme=scheme).open()
        looked.page.locator("main tbody tr").first.wait_for()
        grounds[scheme] = looked.page.evaluate(CONTRASTS)
        looked.page.close()
    assert grounds["dark"]["ground"] < 0.05 < 0.8 < grounds["light"]["ground"]
    # What the guidelines for accessibility ask of text.
    low = {s: c for s, found in grounds.items() for c in found["texts"] if c["ratio"] < 4.5}
    assert low == {}


def test_a_narrow_window_scrolls_only_down(browser: Browser, url: str) -> None:
    looked = Looked(browser, url, viewport={"width": 360, "height": 740})
    for path in ("", "#/runs", "#/product/hostile"):
        page = looked.open(path).page
        page.locator("main h2").first.wait_for(state="attached")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
    looked.page.close()
    assert looked.complaints == []


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline(url: str) -> None:
    answer = httpx.get(url)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert "http" not in answer.text.replace("http-equiv", "")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example"])
def test_another_host_is_refused(url: str, host: str) -> None:
    assert httpx.get(url, headers={"host": host}).status_code == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["", "api/platform", "api/runs", "api/run", "api/node", "api/product"]
)
def test_nothing_can_be_written(url: str, path: str, method: str) -> None:
    assert httpx.request(method, url + path).status_code == 405


def test_an_unchanged_platform_is_not_sent_again(url: str) -> None:
    first = httpx.get(f"{url}api/platform")
    again = httpx.get(f"{url}api/platform", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize("query", ["limit=x", "since=yesterday", "offset=-"])
def test_a_wrong_question_is_refused(url: str, query: str) -> None:
    assert httpx.get(f"{url}api/runs?{query}").status_code == 400


def test_an_orchestrator_that_hangs_delays_nothing(browser: Browser, tmp_path: Path) -> None:
    with silent_service() as address, big_platform(tmp_path, 3, 10) as big:
        slow = big.manifest.with_name("slow.yaml")
        slow.write_text(big.manifest.read_text().replace(big.url, f"http://{address}"))
        # A page that waited for the orchestrator would wait for an hour.
        with served(Platform(slow, pace=Pace(limit=3600.0, first_limit=3600.0))) as url:
            looked = Looked(browser, url).open()
            expect(looked.page.locator("main tbody tr")).to_have_count(3)
            assert {*looked.page.locator("main .badge").all_inner_texts()} == {"?\nnot readable"}
            data = json.loads(httpx.get(f"{url}api/platform", timeout=5).content)
            assert {each["status"] for each in data["products"]} == {"unknown"}
            looked.page.close()


def silent_service() -> object:
    from contextlib import contextmanager
    from socket import create_server

    @contextmanager
    def listening() -> Iterator[str]:
        with create_server(("127.0.0.1", free_port())) as listener:
            yield f"127.0.0.1:{listener.getsockname()[1]}"

    return listening()


# The luminance of the ground, and the contrast of each kind of text with what is behind it.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4).reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = element => { for (let at = element; at; at = at.parentElement) { const color = rgb(getComputedStyle(at).backgroundColor); if (color[3] > 250) return color; } return [255, 255, 255, 255]; };
  const texts = [...document.querySelectorAll(".badge, .sub, .soft, .dim:not(.bar), thead th, td.why span, nav a, .chip b, #freshness")].map(each => {
    const [a, b] = [light(rgb(getComputedStyle(each).color)), light(behind(each))].sort((x, y) => y - x);
    return {what: each.className || each.tagName, text: each.textContent.slice(0, 20), ratio: (a + .05) / (b + .05)};
  });
  return {ground: light(rgb(getComputedStyle(document.body).backgroundColor)), texts};
}"""
