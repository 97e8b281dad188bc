"""Find what products keep in files, which pods lose and do not share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from floe_core.plugin_api.helm.outgoing_ports import ports_of_place
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Environment, Manifest
from floe_core.warehouse.duckdb_file import duckdb_file

_MOUNT = "mount a volume there that all pods share"


def find_unshared_files(
    manifest: Manifest, specs: Sequence[FloeSpec], environment: str
) -> Iterator[str]:
    """Yield a warning for a DuckDB file, and for a ledger that is a folder.

    The warehouse of a product with its own profiles.yml is not known.
    """
    names = ", ".join(spec.metadata.name for spec in specs)
    if _builds_in_file(manifest, environment):
        yield (
            f"{names}: the warehouse is a DuckDB file, which a pod loses when it ends and no other "
            f"pod can read; use a warehouse with a server, or {_MOUNT}"
        )
    with_ports = [s.metadata.name for s in specs if s.output_ports or s.input_ports]
    if with_ports and manifest.ledger and not ports_of_place(manifest.ledger):
        yield (
            f"{', '.join(with_ports)}: the ledger is the folder {manifest.ledger}, so no pod sees "
            "the updates that others record; set `ledger` to a URL such as postgresql://, or "
            f"{_MOUNT}"
        )


def _builds_in_file(manifest: Manifest, environment: str) -> bool:
    compute = manifest.plugins.compute
    if compute is None:
        return False
    changed = manifest.environments.get(environment, Environment()).compute
    profile = {**compute.config, **changed, "type": compute.type}
    return duckdb_file(profile, Path()) is not None
