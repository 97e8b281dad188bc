"""JSON schemas of floe.yaml and manifest.yaml, for editors and other tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from floe_core.schemas import floe_yaml, manifest_yaml
from floe_core.schemas.descriptions import DESCRIPTIONS
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Manifest

MODELS: dict[str, type[BaseModel]] = {"floe": FloeSpec, "manifest": Manifest}
DRAFT = "https://json-schema.org/draft/2020-12/schema"
# Model -> keys of the public format that floe ignores.
_UNUSED = {
    "FloeSpec": floe_yaml.UNUSED_SECTIONS,
    "Manifest": manifest_yaml.UNUSED_SECTIONS,
    "Plugins": manifest_yaml.UNUSED_PLUGINS,
    "Observability": manifest_yaml.UNUSED_OBSERVABILITY,
}


def schema_file(name: str) -> str:
    """Return the name of the schema file that lies beside the YAML file.

    >>> schema_file("floe")
    'floe.schema.json'
    """
    return f"{name}.schema.json"


def schema_line(name: str) -> str:
    """Return the comment by which editors find the schema of a file."""
    return f"# yaml-language-server: $schema={schema_file(name)}\n"


def yaml_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema of floe.yaml ("floe") or manifest.yaml ("manifest")."""
    model = MODELS[name]
    schema = model.model_json_schema()
    _describe(schema, model)
    for inner, own in schema["$defs"].items():
        found = [each for each in models_of(model) if each.__name__ == inner]
        for each in found:
            _describe(own, each)
    return {"$schema": DRAFT, **schema, "title": f"{name}.yaml"}


def schema_text(name: str) -> str:
    """Return the schema as the text of its file."""
    return json.dumps(yaml_schema(name), indent=2, ensure_ascii=False) + "\n"


def models_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a model and all models that its fields hold, each once, in the order of the file."""
    seen: list[type[BaseModel]] = []
    frontier = [model]
    while frontier:
        current = frontier.pop(0)
        if current not in seen:
            seen.append(current)
            yield current
            for field in current.model_fields.values():
                frontier += models_in(field.annotation)


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """Return the models that an annotation names, such as those of a list or a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [each for part in getattr(annotation, "__args__", ()) for each in models_in(part)]


def key_of(model: type[BaseModel], field: str) -> str:
    """Return how a field is spelled in YAML."""
    return model.model_fields[field].alias or field


def _describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    texts = DESCRIPTIONS.get(model.__name__, {})
    for field in model.model_fields:
        if field in texts:
            schema["properties"][key_of(model, field)]["description"] = texts[field]
    for key in sorted(_UNUSED.get(model.__name__, ())):
        unused = {"description": "Of the public floe format; not used here."}
        schema["properties"].setdefault(key, unused)
