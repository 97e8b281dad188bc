"""Loading a compiled folder: one clear error for each way it can be wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError
from floe_core.schemas import CompiledArtifacts

pytestmark = pytest.mark.long

WriteProduct = Callable[..., Path]
RECOMPILE = "fix: run `floe compile` in the product folder"


@pytest.fixture
def folder(write_product: WriteProduct) -> Path:
    folder = write_product()
    compile_product(folder)
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(InvalidProductError) as caught:
        CompiledArtifacts.load(folder)
    return str(caught.value)


def edit(folder: Path, **fields: Any) -> None:
    """Change fields of compiled_artifacts.json."""
    path = folder / "compiled_artifacts.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.mark.parametrize(
    "place", ["compiled_artifacts.json", "target/manifest.json", "profiles.yml"]
)
def test_a_missing_file_is_named(folder: Path, place: str) -> None:
    (folder / place).unlink()
    assert refusal(folder) == f"{folder / place}: the file is missing\n{RECOMPILE}"


def test_the_entry_point_may_be_missing_since_the_loader_does_not_need_it(folder: Path) -> None:
    (folder / "plain_entry.py").unlink()
    assert CompiledArtifacts.load(folder).product.name == "shop"


def test_truncated_json(folder: Path) -> None:
    path = folder / "compiled_artifacts.json"
    path.write_text(path.read_text()[:200])
    assert refusal(folder).startswith(f"{path}:1: it is not complete JSON (")
    assert refusal(folder).endswith(RECOMPILE)


@pytest.mark.parametrize("text", ["[]", "null", '"text"'])
def test_json_that_is_no_object(folder: Path, text: str) -> None:
    (folder / "compiled_artifacts.json").write_text(text)
    assert "it holds no JSON object" in refusal(folder)


def test_a_stale_dbt_manifest(folder: Path) -> None:
    path = folder / "target" / "manifest.json"
    path.write_text(path.read_text() + " ")
    assert refusal(folder) == (
        f"{path}: it is not the dbt manifest that the product was compiled with\n{RECOMPILE}; other "
        "calls of dbt there need a --target-path of their own"
    )


def test_a_newer_minor_version_is_read_without_what_is_new(folder: Path) -> None:
    before = CompiledArtifacts.load(folder)
    fields = json.loads((folder / "compiled_artifacts.json").read_text())
    fields["nodes"][0]["shape"] = "round"
    edit(folder, schema_version="1.7", weather="fine", nodes=fields["nodes"])
    with pytest.warns(
        UserWarning, match="left out what this one does not know: nodes.0.shape, weather"
    ):
        loaded = CompiledArtifacts.load(folder)
    assert loaded.nodes == before.nodes


def test_a_newer_major_version_is_refused(folder: Path) -> None:
    edit(folder, schema_version="2.0")
    assert refusal(folder) == (
        f"{folder / 'compiled_artifacts.json'}: schema version 2.0, but this floe reads 1.x\n"
        "fix: install the floe that wrote it, or run `floe compile` in the product folder with this one"
    )


@pytest.mark.parametrize("version", [None, "one", 1.0, "1"])
def test_a_version_that_is_none_is_refused(folder: Path, version: object) -> None:
    edit(folder, schema_version=version)
    assert f"schema_version is {version!r}, not a version such as 1.0" in refusal(folder)


def test_unknown_and_wrong_fields_of_this_version_are_told_together(folder: Path) -> None:
    edit(folder, weather="fine", nodes=[{"unique_id": 1}])
    told = refusal(folder)
    assert "weather: extra inputs are not permitted" in told
    assert "nodes.0.name: field required" in told
