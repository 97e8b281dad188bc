"""dbt's own caches of the latest good parses of a product, in memory: they hold secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest

_KINDS = ("sources", "exposures", "metrics", "semantic_models", "saved_queries", "unit_tests")
# `functions` are there from dbt 1.11 on.
_MORE_KINDS = ("functions", "groups", "docs", "macros")
_OF_A_NODE = (
    *("original_file_path", "patch_path", "group", "access", "version", "latest_version"),
    "relation_name",
)

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


def shape_of(manifest: Manifest) -> str:
    """Return a hash of what nodes of a project depend on of each other.

    While it stays, a partial parse is exact. dbt parses a changed file again, and little else: it
    keeps a unit test of a model that is now disabled, a `ref` that a group no longer allows, or the
    place of a table that was renamed, and loses the description of some tests.
    """
    return hashlib.sha256("\n".join(sorted(_shape(manifest))).encode()).hexdigest()


def _shape(manifest: Manifest) -> Iterator[str]:
    for kind in (*_KINDS, *_MORE_KINDS):
        for id_, each in getattr(manifest, kind, {}).items():
            place = getattr(each, "original_file_path", None)
            yield f"{id_} {place} {getattr(each, 'relation_name', None)}"
    for id_, disabled in manifest.disabled.items():
        yield f"disabled {id_} {sorted(each.original_file_path for each in disabled)}"
        yield from (text for each in disabled for text in _of_file(manifest, each))
    for id_, node in manifest.nodes.items():
        if not hasattr(node, "column_name"):
            yield f"{id_} {[str(getattr(node, each, None)) for each in _OF_A_NODE]}"
        yield from _of_file(manifest, node)


def _of_file(manifest: Manifest, node: Any) -> Iterator[str]:
    """Yield the content of the YAML file that defines a snapshot, of which dbt takes a checksum."""
    if node.resource_type == "snapshot" and node.original_file_path.endswith((".yml", ".yaml")):
        file = manifest.files[node.file_id]
        yield f"{node.unique_id} {file.checksum.checksum}"
