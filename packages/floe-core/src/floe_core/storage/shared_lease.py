"""A lease that one process at a time holds, in a text that machines share.

Its holder raises a number in it while it is alive. Who waits takes over a lease whose number has
stood still for `LEASE_SECONDS` by its own clock, so that no clocks are compared.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.shared_text import SharedText

LEASE_SECONDS = 90.0
RENEW_SECONDS = 20.0
POLL_SECONDS = 2.0
_FREE = b"{}"


class LeaseHeldError(Exception):
    """The lease is still held when the time is up; the message is its holder."""


class SharedLease:
    """A lease in a text; `holder` is shown to those that wait for it."""

    def __init__(self, text: SharedText, holder: str) -> None:
        self._text = text
        self._holder = holder
        self._token = uuid.uuid4().hex
        self._number = 0
        self._renewed_at = time.monotonic()
        self._is_taken_over = False
        self._is_over = threading.Event()
        self._renewing = threading.Thread(target=self._renew, name="floe-lease", daemon=True)

    def acquire(self, timeout: float) -> None:
        """Wait for the lease, and keep it until it is released or this process dies.

        Raises:
            LeaseHeldError: It is still held after `timeout` seconds.
            EnvironmentProblemError: The text cannot be read or written.
        """
        deadline = time.monotonic() + timeout
        seen, since = self._text.read(), time.monotonic()
        while not (
            (not _fields(seen) or _is_older(since))
            and self._replace(lambda old, seen=seen: old == seen)  # type: ignore[misc]
        ):
            if time.monotonic() > deadline:
                raise LeaseHeldError(_fields(seen).get("holder", ""))
            time.sleep(POLL_SECONDS)
            now = self._text.read()
            if now != seen:
                seen, since = now, time.monotonic()
        self._renewing.start()

    @property
    def is_lost(self) -> bool:
        """Whether another process has the lease, or may have it."""
        return self._is_taken_over or _is_older(self._renewed_at)

    def release(self) -> None:
        """Leave the lease to others; if the text cannot be written, they wait until it is old."""
        self._is_over.set()
        self._renewing.join()
        with suppress(EnvironmentProblemError):
            self._replace(self._is_mine, _FREE)

    def _renew(self) -> None:
        while not self._is_over.wait(RENEW_SECONDS):
            self._number += 1
            with suppress(EnvironmentProblemError):
                self._is_taken_over = not self._replace(self._is_mine)

    def _replace(
        self, is_expected: Callable[[bytes | None], bool], content: bytes | None = None
    ) -> bool:
        """Write the lease, or another content, over a text that is as expected; tell if it was."""
        fields = {"token": self._token, "holder": self._holder, "number": self._number}
        new, was_expected = content or json.dumps(fields).encode(), False

        def changed(old: bytes | None) -> bytes:
            nonlocal was_expected
            was_expected = is_expected(old)
            return new if was_expected else old or _FREE

        self._text.change(changed)
        self._renewed_at = time.monotonic()
        return was_expected

    def _is_mine(self, text: bytes | None) -> bool:
        return bool(_fields(text).get("token") == self._token)


def _is_older(moment: float) -> bool:
    return time.monotonic() - moment > LEASE_SECONDS


def _fields(text: bytes | None) -> dict[str, Any]:
    """Return what a text says; a damaged one says nothing, so that nobody holds it."""
    try:
        fields = json.loads(text or _FREE)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
