"""Find a product's tables: in a target, a schema, a database file or a compiled folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from floe_core.compiler.compile_product import prepare_product
from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import read_inputs
from floe_core.compiler.profile import Profile, find_profiles
from floe_core.foundation.errors import UsageError
from floe_core.foundation.process_environment import environment_with
from floe_core.schemas.compiled_artifacts import (
    ARTIFACTS_FILE,
    DBT_MANIFEST_FILE,
    CompiledArtifacts,
)

TARGET_VARIABLE = "DBT_TARGET"
# Endings of database files, which no schema has.
_OF_FILES = (".duckdb", ".ddb", ".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Place:
    """The product as it is compiled for a place. `folder` is what relative paths start from.

    `kind` is what the name was taken for: a schema, a file, a target or a compiled folder.
    """

    name: str
    artifacts: CompiledArtifacts
    manifest: Mapping[str, Any]
    folder: Path
    kind: str = "compiled folder"


def place_named(name: str, product: Path) -> Place:
    """Return the place that a name means, as a person gives it.

    The first match counts: a compiled folder, a DuckDB or SQLite file, a target of profiles.yml,
    else a schema that stands for the target's own. FLOE_ENV chooses an environment of the manifest,
    whose own target, schema or file is overridden by the place.

    Raises:
        InvalidProductError: The product does not compile.
        UsageError: A file is named, and does not exist, or the product is on another warehouse; or
            FLOE_ENV names an environment that does not exist.
    """
    path = Path(name)
    if (path / ARTIFACTS_FILE).is_file():
        artifacts = CompiledArtifacts.load(path)
        manifest = json.loads((path / DBT_MANIFEST_FILE).read_bytes())
        return Place(name, artifacts, manifest, path.absolute())
    if path.is_file():
        on_file = partial(_on_file, path=path.absolute())
        return _compile(name, product, "file", on_file)
    if name in _targets(product):
        with environment_with({TARGET_VARIABLE: name}):
            return _compile(name, product, "target", _FirstProfile())
    if path.suffix in _OF_FILES or len(path.parts) > 1:
        raise UsageError(f"there is no file or compiled folder '{name}'")
    return _compile(name, product, "schema", partial(Profile.in_schema, schema=name))


def _compile(name: str, product: Path, kind: str, change: Callable[[Profile], Profile]) -> Place:
    compiled = prepare_product(product, refuses_losses=False, change_profile=change)
    artifacts = compiled.artifacts.in_chosen_environment()
    manifest = json.loads(compiled.files[DBT_MANIFEST_FILE])
    return Place(name, artifacts, manifest, product.absolute(), kind)


class _FirstProfile:
    """Gives every environment the profile of the product itself, which is that of the target."""

    def __init__(self) -> None:
        self._first: Profile | None = None

    def __call__(self, profile: Profile) -> Profile:
        """Return the profile of the first call."""
        self._first = self._first or profile
        return self._first


def _on_file(profile: Profile, path: Path) -> Profile:
    if profile.adapter == "sqlite":
        paths = dict(profile.output.get("schemas_and_paths") or {})
        own = dict.fromkeys(("main", str(profile.output.get("schema"))), str(path))
        return replace(profile, output={**profile.output, "schemas_and_paths": {**paths, **own}})
    if profile.adapter != "duckdb":
        raise UsageError(f"{path} is a file, and this product is on {profile.adapter}")
    return replace(profile, output={**profile.output, "path": str(path)})


def _targets(product: Path) -> list[str]:
    """Return the targets that people may name; a platform's compute has but one."""
    inputs = read_inputs(product.absolute(), Findings(lambda notice: None))
    if inputs.manifest.plugins.compute is not None:
        return []
    own = find_profiles(inputs.product_dir)
    profile = own.data.get(inputs.profile_name) if own is not None else None
    return [*(profile.get("outputs") or {})] if isinstance(profile, dict) else []
