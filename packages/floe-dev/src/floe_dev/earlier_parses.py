"""dbt's own caches of the latest good parses of a product, in memory: they hold secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from floe_dev.shape_of_parse import shape_of

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest

# What dbt reads, and writes, in its target folder.
CACHE = "partial_parse.msgpack"


class ParsesInMemory:
    """Parses by name: dbt's cache of each, and its shape.

    `secrets` is variable or file -> value, for those that the caches may hold.
    """

    def __init__(
        self, caches: Mapping[str, bytes] | None = None, shapes: Mapping[str, str] | None = None
    ) -> None:
        self.caches, self.shapes = dict(caches or {}), dict(shapes or {})
        self.secrets: dict[str, str] = {}

    def lay_out(self, name: str, target: Path) -> bool:
        """Put dbt's cache of a parse where dbt reads it; return whether there is one.

        It is forgotten until `keep`.
        """
        cache = self.caches.pop(name, None)
        if cache is None:
            return False
        target.mkdir(parents=True, exist_ok=True)
        (target / CACHE).write_bytes(cache)
        return True

    def is_exact(self, name: str, manifest: Manifest | None) -> bool:
        """Return whether a parse has the shape of the one that was laid out."""
        return manifest is not None and self.shapes.get(name) == shape_of(manifest)

    def keep(
        self, name: str, target: Path, manifest: Manifest | None, secrets: Mapping[str, str]
    ) -> None:
        """Keep a good parse. `secrets` is variable or file -> value, for those it may hold."""
        if manifest is not None:
            self.caches[name] = (target / CACHE).read_bytes()
            self.shapes[name] = shape_of(manifest)
            self.secrets |= secrets
