"""The parsed project as dbt left it at compile time, so that a run need not parse again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from floe_core.garbage_collection import collector_at_rest
from floe_core.schemas.nodes import Node
from floe_core.secrets.sealed_cache import unsealed

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

PARSED_FILE = "target/partial_parse.msgpack"


def preloaded_manifest(project_dir: Path, dbt_version: str) -> Manifest | None:
    """Return dbt's manifest, or None where dbt must parse: none kept, or of another dbt version.

    Seeds carry the absolute folder that they were parsed in; it is set to the one they are in now.
    """
    from dbt.version import __version__ as installed_version

    path = project_dir / PARSED_FILE
    if installed_version != dbt_version or not path.exists():
        return None
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    with collector_at_rest():
        manifest: Manifest = Manifest.from_msgpack(
            unsealed(path.read_bytes()), decoder=extended_mashumuro_decoder
        )
    _move_seeds(manifest, project_dir)
    return manifest


def add_tags(manifest: Manifest, nodes: Iterable[Node]) -> None:
    """Give dbt the tags that floe.yaml adds, so that `tag:` selects by them."""
    for node in nodes:
        dbt_node = manifest.nodes.get(node.unique_id)
        if dbt_node is not None and node.tags:
            dbt_node.tags = sorted({*dbt_node.tags, *node.tags})


def _move_seeds(manifest: Manifest, project_dir: Path) -> None:
    for node in manifest.nodes.values():
        root = getattr(node, "root_path", None)
        if root is None:
            continue
        package_folder = project_dir
        if node.package_name != manifest.metadata.project_name:
            package_folder = project_dir / "dbt_packages" / Path(root).name
        node.root_path = str(package_folder)
