"""Load the project that dbt parsed at compile time, and check that it is still valid here.

dbt records in its parse cache which environment variables shaped the graph, with their values, and
parses again the files that a changed one affects. floe keeps hashes instead of the values, so that
no value is written to disk, and lets dbt parse if one has changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgpack

from floe_core.dbt.internals import has_dbt_plugins, read_manifest
from floe_core.dbt.library import library_version
from floe_core.foundation.garbage_collection import collector_at_rest
from floe_core.schemas.nodes import Node
from floe_core.secrets.recognition import is_secret_variable
from floe_core.secrets.sealed_cache import unseal_cache

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest

ENV_VARS = "env_vars"


UNSET = ""


# Enough digits to distinguish two values, too few to guess a value from.
_DIGITS = 8


def seal_environment(cache: bytes, names: Iterable[str], secrets: Container[str]) -> bytes:
    """Return dbt's parse cache with hashes in place of the values of environment variables.

    `names` are further variables that shape the graph, such as those of the profile. Variables
    whose names mark them as secret, and those named in `secrets`, are left out: they shape no
    graph.
    """
    content = msgpack.unpackb(cache, raw=False, strict_map_key=False)
    noted = {*(content.get(ENV_VARS) or {}), *names}
    kept = {name for name in noted if not (is_secret_variable(name) or name in secrets)}
    content.pop(ENV_VARS, None)
    # Written first, so that `find_changes_in_file` need not read further.
    variables = {ENV_VARS: digests_of(kept)}
    packed: bytes = msgpack.packb({**variables, **content}, use_bin_type=True)
    return packed


def digests_of(names: Iterable[str]) -> dict[str, str]:
    """Return variable -> a hash of its value in this environment, sorted by name."""
    return {name: _digest(name) for name in sorted(names)}


def changed_variables(sealed: Mapping[str, str]) -> list[str]:
    """Return the names of the variables whose values have changed since dbt parsed."""
    return sorted(name for name, digest in sealed.items() if _digest(name) != digest)


def find_changes_in_file(path: Path) -> list[str]:
    """Return the names of the variables whose values differ from a sealed cache on disk."""
    with path.open("rb") as file:
        unpacker = msgpack.Unpacker(file, raw=False, strict_map_key=False)
        for _ in range(unpacker.read_map_header()):
            if unpacker.unpack() == ENV_VARS:
                return changed_variables(unpacker.unpack() or {})
            unpacker.skip()
    return []


def _digest(name: str) -> str:
    value = os.environ.get(name)
    return UNSET if value is None else hashlib.sha256(value.encode()).hexdigest()[:_DIGITS]


PARSED_FILE = "target/partial_parse.msgpack"


CATALOGS_FILE = "catalogs.yml"


def parsed_file(job_name: str = "", environment: str = "") -> str:
    """Return the file of dbt's parse, for a job with vars of its own or for all other jobs.

    The parse of an environment is for jobs without vars of their own.
    """
    if environment:
        return f"target/partial_parse.env.{environment}.msgpack"
    return f"target/partial_parse.{job_name}.msgpack" if job_name else PARSED_FILE


@dataclass(frozen=True, slots=True)
class Preloaded:
    """The manifest to pass to dbt, or None and why dbt must parse; "" if none was kept."""

    manifest: Manifest | None = None
    why_not: str = ""


def preload_manifest(project_dir: Path, dbt_version: str, file: str = PARSED_FILE) -> Preloaded:
    """Return dbt's manifest as parsing left it, ready to run.

    This includes what dbt does between parsing and running
    (`dbt.parser.manifest.ManifestLoader.get_full_manifest`): the flat graph, which macros read as
    `graph`. Seeds carry the absolute folder that they were parsed in; it is set to the current one.
    dbt itself parses a project that needs more of these steps: one with catalogs, or with dbt
    plugins, whose nodes and artifacts may change between runs.
    """
    found = read_parse(project_dir, dbt_version, file)
    if found.manifest is not None:
        with collector_at_rest():
            found.manifest.build_flat_graph()
    return found


def read_parse(project_dir: Path, dbt_version: str, file: str = PARSED_FILE) -> Preloaded:
    """Return what `preload_manifest` does, but without the flat graph."""
    path = project_dir / file
    if not _is_of_installed_dbt(dbt_version) or not path.exists():
        return Preloaded()
    if (project_dir / CATALOGS_FILE).exists() or has_dbt_plugins():
        return Preloaded()
    with collector_at_rest():
        manifest = read_manifest(unseal_cache(path.read_bytes()))
        if manifest is None:
            return Preloaded()
        changed = changed_variables(manifest.env_vars)
        if changed:
            return Preloaded(None, _list_changed(changed))
        manifest.env_vars.clear()
        _move_seeds(manifest, project_dir)
    return Preloaded(manifest)


def _list_changed(names: list[str]) -> str:
    have = "have other values" if len(names) > 1 else "has another value"
    return f"{', '.join(names)} {have} than at compile time, so dbt parses the project again"


def _is_of_installed_dbt(version: str) -> bool:
    return library_version() == version


def renew_metadata(manifest: Manifest) -> None:
    """Give the manifest the ids and times of the current invocation; called inside of it."""
    fresh = type(manifest.metadata)()
    for name in ("generated_at", "invocation_id", "invocation_started_at", "env"):
        setattr(manifest.metadata, name, getattr(fresh, name))


def add_tags(manifest: Manifest, nodes: Iterable[Node]) -> None:
    """Add the tags of floe.yaml to the manifest, so that `tag:` selects by them."""
    for node in nodes:
        dbt_node = manifest.nodes.get(node.unique_id)
        if dbt_node is not None and node.tags:
            dbt_node.tags = sorted({*dbt_node.tags, *node.tags})


def _move_seeds(manifest: Manifest, project_dir: Path) -> None:
    seeds = [node for node in manifest.nodes.values() if getattr(node, "root_path", None)]
    parsed_in = _folder_of_parse(manifest) if seeds else None
    for node in seeds:
        if node.package_name == manifest.metadata.project_name:
            node.root_path = str(project_dir)
        elif parsed_in and Path(node.root_path).is_relative_to(parsed_in):
            # Below the project, in `packages-install-path` of dbt_project.yml.
            node.root_path = str(project_dir / Path(node.root_path).relative_to(parsed_in))


def _folder_of_parse(manifest: Manifest) -> str | None:
    """Return the project's folder when dbt parsed it; None without any file of its own."""
    own = manifest.metadata.project_name
    files = (file for file in manifest.files.values() if file.project_name == own)
    return next((file.path.project_root for file in files), None)
