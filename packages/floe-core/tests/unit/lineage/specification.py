"""The published schemas of OpenLineage, to hold events against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

_FOLDER = Path(__file__).parent / "openlineage-spec"
_OWN_FACETS = Path(__file__).parents[5] / "docs" / "lineage-facets"
_SCHEMAS = {
    schema["$id"]: schema
    for schema in (
        json.loads(path.read_text("utf-8"))
        for path in [*_FOLDER.rglob("*.json"), *_OWN_FACETS.rglob("*.json")]
    )
}
_REGISTRY: Registry[Any] = Registry().with_resources(
    [(identifier, Resource.from_contents(schema)) for identifier, schema in _SCHEMAS.items()]
)
_CORE = "https://openlineage.io/spec/2-0-2/OpenLineage.json"


def faults(event: dict[str, Any]) -> list[str]:
    """Return what is wrong with a run event and with each of its facets; [] for a valid one."""
    found = _faults(event, f"{_CORE}#/$defs/RunEvent", "event")
    for where, facet in _facets(event):
        if not facet["_schemaURL"].startswith(_CORE):
            found += _faults(facet, facet["_schemaURL"], where)
    return found


def _faults(value: Any, reference: str, where: str) -> list[str]:
    validator = Draft202012Validator(
        {"$ref": reference},
        registry=_REGISTRY,
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )
    return [f"{where}: {error.message}" for error in validator.iter_errors(value)]


def _facets(event: dict[str, Any]) -> list[tuple[str, Any]]:
    holders = [
        ("run", event["run"].get("facets", {})),
        ("job", event["job"].get("facets", {})),
    ]
    for kind, own in (("inputs", "inputFacets"), ("outputs", "outputFacets")):
        for dataset in event[kind]:
            holders += [(kind, dataset.get("facets", {})), (kind, dataset.get(own, {}))]
    return [(f"{where}.{name}", facet) for where, held in holders for name, facet in held.items()]
