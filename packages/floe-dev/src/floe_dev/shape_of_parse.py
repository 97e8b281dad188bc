"""What nodes of a dbt project depend on of each other: while it stays, a partial parse is exact.

dbt parses a changed file again, and little else. It keeps a unit test of a model that is now
disabled, a `ref` that a group no longer allows, or the place of a table that was renamed, and
loses the description of some tests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
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


def shape_of(manifest: Manifest) -> str:
    """Return a hash of it."""
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
