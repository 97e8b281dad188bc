"""The JSON of a platform, made anew only if something changed."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from dataclasses import dataclass

from floe_console.data.as_data import platform_as_data
from floe_console.data.refresh import Platform

# Deadlines pass and ticks come although nothing was read.
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes of the JSON, and a tag that differs if anything but the time of making does."""

    body: bytes
    etag: str


class CachedSnapshot:
    """The last snapshot; requests that come at once make one."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._lock = threading.Lock()
        self._made_of: tuple[int, int] | None = None
        self._snapshot = Snapshot(b"", "")

    def get(self) -> Snapshot:
        """Return a snapshot that is current."""
        with self._lock:
            now = self._platform.version, int(time.monotonic() / SECONDS)
            if self._made_of != now:
                self._snapshot, self._made_of = self._make(), now
            return self._snapshot

    def _make(self) -> Snapshot:
        data = platform_as_data(self._platform)
        for port in (port for each in data["products"] for port in each["ports"]):
            del port["columns"]  # `/api/product` has them.
        body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        told = {key: value for key, value in data.items() if key not in ("at", "read_at")}
        told["places"] = [{**each, "read_at": None} for each in data["places"]]
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        return Snapshot(body, f'"{digest[:32]}"')
