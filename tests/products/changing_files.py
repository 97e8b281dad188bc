"""The files beside the models of a random product: its package, properties, docs and data files."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

PACKAGE = "tools"
_PROJECT = (
    "name: tools\nversion: 1.0.{version}\nprofile: shop\nvars: {{tools: {{scale: {scale}}}}}\n"
)
_MACROS = """\
{{% macro scaled(x) %}}{note}({{{{ x }}}} * {{{{ var('scale', 2) }}}} + {added}){{% endmacro %}}
"""


class ChangingPackage:
    """A local package: a macro with a variable of its own, and the models that it holds."""

    def __init__(self) -> None:
        self.scale, self.added, self.version = 2, 1, 0
        self.note = ""

    @property
    def project(self) -> object:
        """What its dbt_project.yml says: floe takes all of it as a part of the project."""
        return self.version, self.scale

    def meaning(self, is_own: bool) -> object:
        """Return what of it reaches a query that calls its macro; its variable is for its own."""
        return self.scale if is_own else 2, self.added

    def write(self, folder: Path) -> Path:
        """Write and install it; return its folder, where nothing is left of its models."""
        place = folder / PACKAGE
        for name in ("models", "seeds", "macros"):
            (place / name).mkdir(parents=True, exist_ok=True)
            for old in (place / name).iterdir():
                old.unlink()
        project = _PROJECT.format(version=self.version, scale=self.scale)
        (place / "dbt_project.yml").write_text(project)
        macros = _MACROS.format(note=self.note, added=self.added)
        (place / "macros" / "scaled.sql").write_text(macros)
        (folder / "packages.yml").write_text(f"packages: [{{local: {PACKAGE}}}]\n")
        installed = folder / "dbt_packages" / PACKAGE
        installed.parent.mkdir(exist_ok=True)
        if not installed.is_symlink():
            installed.symlink_to(place, target_is_directory=True)
        return place


def write_data(folder: Path, name: str, rows: list[list[int]]) -> None:
    """Write the file that a query or a source reads, as a whole."""
    place = data_file(folder, name)
    place.parent.mkdir(exist_ok=True)
    new = place.with_suffix(".new")
    with new.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "c1", "c2"], *rows])
    os.replace(new, place)


def data_file(folder: Path, name: str) -> Path:
    """Return where the file of a model or source is."""
    return folder / "data" / f"{name}.csv"


def properties(model: Any) -> dict[str, Any]:
    """Return what schema.yml says of a model or seed: a reference to the docs, and numbers."""
    text = "{{ doc('about') }} " + str(model.described)
    columns = [{"name": "id", "description": text}]
    said: dict[str, Any] = {"name": model.name, "description": text, "columns": columns}
    if model.kind == "seed":
        types = {"c1": model.seed_type} if model.seed_type else {}
        types |= model.around.options.get("column_types", {})
        return said | {"config": {**model.around.options, "column_types": types}}
    config: dict[str, Any] = {}
    if model.is_configured_in_yml:
        config = {"materialized": model.materialized, "tags": [f"t{model.tags}"]}
    if model.contract:
        config["contract"] = {"enforced": True}
        said["columns"] = [
            {"name": name, "data_type": model.contract, "description": text}
            for name in model.columns
        ]
    return said | ({"config": config} if config else {})
