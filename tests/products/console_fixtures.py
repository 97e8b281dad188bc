"""Fixtures for the page of a platform in a real browser; a module gives its `url`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from console_browser import Looked
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser to the tests of a module."""
    from console_browser import chromium

    with chromium() as found:
        yield found


@pytest.fixture
def look(browser: Browser, url: str) -> Iterator[Looked]:
    """Give a page, of which the browser must have no complaint at the end."""
    from console_browser import Looked

    looked = Looked(browser, url)
    yield looked
    looked.page.close()
    assert looked.complaints == []
