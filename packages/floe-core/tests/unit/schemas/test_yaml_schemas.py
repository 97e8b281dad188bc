"""The JSON schemas of floe.yaml and manifest.yaml say what floe accepts, and describe all of it."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.descriptions import DESCRIPTIONS
from floe_core.schemas.text_forms import FORMS
from floe_core.schemas.yaml_schemas import MODELS, models_of, schema_file, schema_text, yaml_schema

ROOT = Path(__file__).parents[5]
EXAMPLES = sorted([*ROOT.glob("examples/**/floe.yaml"), *ROOT.glob("examples/**/manifest.yaml")])
SPEC = {"apiVersion": "floe.dev/v1", "kind": "FloeSpec", "metadata": {"name": "a", "version": "1"}}
PLATFORM = {
    "apiVersion": "floe.dev/v1",
    "kind": "Manifest",
    "metadata": {"name": "a", "version": "1"},
    "plugins": {"orchestrator": {"type": "dagster"}},
}


def problems(name: str, content: Any) -> list[str]:
    validator = Draft202012Validator(yaml_schema(name))
    return [error.message for error in validator.iter_errors(content)]


def test_every_key_has_a_description_and_no_description_is_left_over() -> None:
    fields = {
        model.__name__: set(model.model_fields)
        for root in MODELS.values()
        for model in models_of(root)
    }
    assert {name: set(texts) for name, texts in DESCRIPTIONS.items()} == fields


@pytest.mark.parametrize("name", MODELS)
def test_an_error_names_each_form_of_a_text_in_words(name: str) -> None:
    patterns = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(yaml_schema(name)))
    assert patterns
    assert {json.loads(each) for each in patterns} <= set(FORMS)


@pytest.mark.parametrize("name", MODELS)
def test_the_schemas_in_the_docs_are_current(name: str) -> None:
    """`.venv/bin/python scripts/write_schema.py` renews them."""
    assert (ROOT / "docs" / schema_file(name)).read_text() == schema_text(name)


def test_the_schema_of_the_artifacts_in_the_docs_is_current() -> None:
    """`.venv/bin/python scripts/write_schema.py` renews it."""
    text = (ROOT / "docs" / "compiled_artifacts.schema.json").read_text()
    assert json.loads(text) == CompiledArtifacts.model_json_schema()


def test_the_page_of_keys_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.venv/bin/python scripts/write_schema.py` renews it."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    from schema_page import schema_page

    sys.modules.pop("schema_page")
    assert (ROOT / "docs" / "keys.md").read_text() == schema_page()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.relative_to(ROOT)))
def test_the_examples_are_as_the_schema_says(file: Path) -> None:
    assert problems(file.stem, YAML(typ="safe").load(file.read_text())) == []


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("floe", {**SPEC, "shedule": {}}),
        ("floe", {**SPEC, "kind": "Manifest"}),
        ("floe", {**SPEC, "metadata": {"name": "Upper", "version": "1"}}),
        ("floe", {**SPEC, "metadata": {"name": "a"}}),
        ("floe", {**SPEC, "execution": {"retries": -1}}),
        ("floe", {**SPEC, "jobs": [{"select": "a"}]}),
        ("manifest", {**PLATFORM, "plugins": {}}),
        ("manifest", {**PLATFORM, "environments": {"dev": {"tarjet": "dev"}}}),
        ("manifest", {**PLATFORM, "resource_presets": {"huge": {}}}),
    ],
)
def test_what_floe_refuses_the_schema_refuses(name: str, content: Any) -> None:
    with pytest.raises(ValueError):
        MODELS[name].model_validate(content)
    assert problems(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("floe", {**SPEC, "governance": {"anything": 1}, "execution": {"retryDelaySeconds": 5}}),
        ("manifest", {**PLATFORM, "storage": [1], "observability": {"logging": {}}}),
        ("manifest", {**PLATFORM, "plugins": {**PLATFORM["plugins"], "rbac": {}}}),  # type: ignore[dict-item]
    ],
)
def test_sections_that_floe_reads_past_are_no_problem(name: str, content: Any) -> None:
    assert problems(name, content) == []


def test_floe_schema_prints_or_writes(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["schema", "manifest"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, yaml_schema("manifest"))
    done = CliRunner().invoke(app, ["schema", "--out", str(tmp_path)])
    assert done.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        "floe.schema.json",
        "manifest.schema.json",
    }


def test_init_writes_the_line_by_which_editors_find_the_schema(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    assert CliRunner().invoke(app, ["init", str(folder)]).exit_code == 0
    for name in MODELS:
        [first, *_] = (folder / f"{name}.yaml").read_text().splitlines()
        prefix, _, schema = first.partition("=")
        assert prefix == "# yaml-language-server: $schema"
        assert json.loads((folder / schema).read_text()) == yaml_schema(name)
