"""Read the user's files: floe.yaml, the manifest that it names, and dbt_project.yml."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment

from floe_core.compiler.findings import Findings
from floe_core.foundation.errors import InvalidProductError, Problem
from floe_core.schemas import floe_yaml, manifest_yaml
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Manifest
from floe_core.schemas.reading import validate, without_problems
from floe_core.user_yaml.dbt_yaml import read_dbt_document
from floe_core.user_yaml.source_map import Document, Location, read_document


def render_environment(text: str) -> str:
    """Return a text of a dbt file with its `{{ env_var(...) }}` filled in, as dbt does.

    Raises:
        ValueError: A variable without a default is not set, or the Jinja is wrong.
    """
    if "{" not in text:
        return text
    environment = SandboxedEnvironment()
    for name in ("as_text", "as_native", "as_bool", "as_number"):
        environment.filters[name] = str
    try:
        return environment.from_string(text).render(env_var=_env_var)
    except TemplateError as error:
        raise ValueError(f"{text}: {error}") from None


def _env_var(name: str, default: str | None = None) -> str:
    value = os.environ.get(name, default)
    if value is None:
        raise ValueError(f"the environment variable {name} is not set, and has no default")
    return value


FLOE_FILE, DBT_PROJECT_FILE, MANIFEST_FILE = "floe.yaml", "dbt_project.yml", "manifest.yaml"


@dataclass(frozen=True)
class Inputs:
    """The three files, each as a model of its schema and as a document with line numbers."""

    product_dir: Path
    spec: FloeSpec
    spec_document: Document
    manifest: Manifest
    manifest_document: Document
    dbt_document: Document

    @property
    def slug(self) -> str:
        """The product's name as an identifier: hyphens are underscores."""
        return self.spec.metadata.name.replace("-", "_")

    @property
    def reuses(self) -> bool:
        """Whether runs reuse relations: `execution.reuse`."""
        return self.spec.execution.reuse != "off"

    @property
    def dbt_project_name(self) -> str:
        """`name` of dbt_project.yml."""
        return str(self.dbt_document.data["name"])

    def dbt_vars(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """The vars of dbt_project.yml, and those of floe.yaml or an environment over them."""
        return {**(self.dbt_document.data.get("vars") or {}), **own}

    @property
    def packages_path(self) -> str:
        """`packages-install-path` of dbt_project.yml, relative to the product folder."""
        return str(self.dbt_document.data.get("packages-install-path") or "dbt_packages")

    @property
    def profile_name(self) -> str:
        """DBT_PROFILE, else `profile` of dbt_project.yml, else the project's name."""
        return profile_name_of(self.dbt_document)


def read_inputs(product_dir: Path, findings: Findings, *, goes_on: bool = False) -> Inputs:
    """Return the three files, or raise every problem of all three.

    With `goes_on`, values of the wrong form are left out, if the rest is enough for other checks;
    then the findings have their problems.
    """
    if not (product_dir / FLOE_FILE).exists():
        fix = "begin a product with `floe init`, or name the folder of one"
        place = os.path.relpath(product_dir / FLOE_FILE)
        raise InvalidProductError([Problem("there is no product here: no such file", fix, place)])
    spec_document = manifest_document = dbt_document = None
    spec = manifest = in_spec = in_manifest = None
    with findings.gather(before_dbt=True):
        dbt_document = read_dbt_project(product_dir)
    with findings.gather(before_dbt=True):
        spec_document = read_document(product_dir / FLOE_FILE, FLOE_FILE)
        in_spec = _without(spec_document, floe_yaml.UNUSED_SECTIONS, findings)
        spec = validate(spec_document, FloeSpec, in_spec)
    with findings.gather(before_dbt=True):
        manifest_document = read_document(*_manifest_path(product_dir, spec_document))
        in_manifest = manifest_data(manifest_document, findings)
        manifest = validate(manifest_document, Manifest, in_manifest)
    if goes_on and spec is None and in_spec is not None:
        spec = without_problems(FloeSpec, in_spec)
    if goes_on and manifest is None and in_manifest is not None:
        manifest = without_problems(Manifest, in_manifest)
    if not (goes_on and spec and manifest and dbt_document):
        findings.raise_if_any()
    assert spec is not None
    assert spec_document is not None
    assert manifest is not None
    assert manifest_document is not None
    assert dbt_document is not None
    return Inputs(product_dir, spec, spec_document, manifest, manifest_document, dbt_document)


def with_options(
    inputs: Inputs, dbt_executable: str | None, reuse: bool | None, published: Mapping[str, str]
) -> Inputs:
    """Return the same product with other settings, each if it is given: see `prepare_product`."""
    execution: dict[str, Any] = {}
    if dbt_executable is not None:
        execution["dbt_executable"] = dbt_executable or None
    if reuse is not None:
        execution["reuse"] = "unchanged" if reuse else "off"
    changed = inputs.spec.execution.model_copy(update=execution)
    products = {**inputs.manifest.products, **published}
    return replace(
        inputs,
        spec=inputs.spec.model_copy(update={"execution": changed}),
        manifest=inputs.manifest.model_copy(update={"products": products}),
    )


def profile_name_of(dbt_project: Document) -> str:
    """Return the profile that dbt would use: DBT_PROFILE's, else the project's own."""
    data = dbt_project.data
    named = os.environ.get("DBT_PROFILE") or data.get("profile")
    return render_environment(str(named)) if named else str(data["name"])


def read_dbt_project(product_dir: Path) -> Document:
    """Return dbt_project.yml.

    Raises:
        InvalidProductError: It is missing or damaged, or has no name or profile to use.
    """
    document = read_dbt_document(product_dir / DBT_PROJECT_FILE, DBT_PROJECT_FILE)
    name = document.data.get("name")
    if not isinstance(name, str) or not name.isidentifier():
        what = f"name: {name!r} is not a dbt project name"
        problem = document.problem(("name",), what, "letters, digits and underscores")
        raise InvalidProductError([problem])
    try:
        render_environment(str(document.data.get("profile") or ""))
    except ValueError as error:
        raise InvalidProductError([document.problem(("profile",), f"profile: {error}")]) from None
    return document


def _manifest_path(product_dir: Path, spec: Document | None) -> tuple[Path, str]:
    """Return the manifest's path, and its name in messages: the path from the product's folder.

    Without `platform.manifest`, it is the manifest.yaml of the product's folder or its parent.
    """
    platform = spec.data.get("platform") if spec else None
    named = platform.get("manifest") if isinstance(platform, dict) else None
    if spec and isinstance(named, str) and "://" in named:
        what = f"platform.manifest: {named} is not a file; floe reads the manifest from a file"
        fix = "fetch it, for instance with `oras pull`, and name the file, relative to floe.yaml"
        raise InvalidProductError([spec.problem(("platform", "manifest"), what, fix)])
    if spec and isinstance(named, str) and named:
        path = product_dir / named
        if not _is_file(path):
            what = f"platform.manifest: there is no file {named[:200]}"
            fix = "name the platform team's manifest.yaml, relative to floe.yaml"
            raise InvalidProductError([spec.problem(("platform", "manifest"), what, fix)])
        return path, named
    for folder in (product_dir, product_dir.parent):
        if (folder / MANIFEST_FILE).is_file():
            return folder / MANIFEST_FILE, os.path.relpath(folder / MANIFEST_FILE, product_dir)
    fix = "add `platform: {manifest: PATH}`, or put a manifest.yaml here"
    raise InvalidProductError([Problem("names no platform manifest", fix, FLOE_FILE)])


def is_unused(document: Document, location: Location) -> bool:
    """Return whether a value is in a section that floe neither uses nor writes anywhere."""
    first = str(location[0]) if location else ""
    second = str(location[1]) if len(location) > 1 else ""
    if document.shown_as == FLOE_FILE:
        return first in floe_yaml.UNUSED_SECTIONS
    return (
        first in manifest_yaml.UNUSED_SECTIONS
        or (first == "plugins" and second in manifest_yaml.UNUSED_PLUGINS)
        or (first == "observability" and second in manifest_yaml.UNUSED_OBSERVABILITY)
    )


def _is_file(path: Path) -> bool:
    """Return whether the file exists; False for a name that the file system refuses."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _without(document: Document, unused: Collection[str], findings: Findings) -> dict[str, Any]:
    found = [key for key in document.data if key in unused]
    if found:
        findings.notice(f"{document.shown_as}: not used here: {', '.join(sorted(found))}")
    return {key: value for key, value in document.data.items() if key not in found}


def manifest_data(document: Document, findings: Findings) -> dict[str, Any]:
    """Return the sections of a manifest that floe uses; note the others."""
    data = _without(document, manifest_yaml.UNUSED_SECTIONS, findings)
    in_plugins, in_seen = manifest_yaml.UNUSED_PLUGINS, manifest_yaml.UNUSED_OBSERVABILITY
    for section, not_used in (("plugins", in_plugins), ("observability", in_seen)):
        found = data.get(section)
        if isinstance(found, dict):
            unused = [key for key in found if key in not_used]
            if unused:
                names = ", ".join(f"{section}.{key}" for key in sorted(unused))
                findings.notice(f"{document.shown_as}: not used here: {names}")
            data[section] = {key: value for key, value in found.items() if key not in unused}
    return data
