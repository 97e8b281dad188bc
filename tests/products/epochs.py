"""The epochs of a ledger's records, which are random, in what tests compare and request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from floe_core.ports.decision import Decision, numbers_of
from floe_core.ports.ledger import Ledger


def without_epochs(key: str) -> str:
    """Return the key of a run for updates without the epochs of records.

    >>> without_epochs("0c5e4f1a;crm/customers@1~9be1d0f2#5,crm/orders@2#7")
    'crm/customers@1#5,crm/orders@2#7'
    """
    return re.sub(r"~[0-9a-f]{8}|(?<![^:])[0-9a-f]{8};", "", key)


def seen_without_epochs(seen: Mapping[str, int]) -> dict[str, int]:
    """Return port -> number, given numbered port -> number."""
    return {without_epochs(port): number for port, number in seen.items()}


def last_numbers(ledger: Ledger | None, *ports: str) -> dict[str, int]:
    """Return numbered port -> the number of its last update."""
    assert ledger is not None
    return numbers_of(ledger.last_updates(ports))


def key_of_last(ledger: Ledger | None, *ports: str) -> str:
    """Return a key for the last updates of some ports."""
    return Decision("run", last_numbers(ledger, *ports)).key
