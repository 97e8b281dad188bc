"""What tests of alerts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from alert_receiver import AlertReceiver, alert_receiver


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[AlertReceiver]:
    """Return a receiver of alerts to which SHOP_ALERTS leads."""
    with alert_receiver() as receiver:
        monkeypatch.setenv("SHOP_ALERTS", receiver.url)
        yield receiver
