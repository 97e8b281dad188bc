"""Ask Kubernetes' own schemas whether an object is one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
from custom_kinds import CUSTOM_KINDS
from jsonschema import Draft202012Validator
from jsonschema.protocols import Validator
from kubernetes_validate.utils import schema_contents
from pods import Object, named
from referencing import Registry, Resource

_FOLDER = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def problems(objects: Iterable[Object], version: str) -> list[str]:
    """Return what the strict schemas of a version of Kubernetes, such as `1.32.0`, refuse."""
    return [
        f"{named(thing)}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for thing in objects
        for error in _validator(thing["kind"], thing["apiVersion"], version).iter_errors(thing)
    ]


@cache
def _validator(kind: str, api_version: str, version: str) -> Validator:
    """Return what `kubernetes_validate.validate` makes anew for every object."""
    if kind in CUSTOM_KINDS:
        return Draft202012Validator(CUSTOM_KINDS[kind])
    group, _, name = api_version.rpartition("/")
    short = f"{group.partition('.')[0]}-{name}" if group else name
    schema = _schema(f"{kind.lower()}-{short}.json", version)
    contents = (schema, _schema("_definitions.json", version))
    registry: Registry[Any] = [Resource.from_contents(each) for each in contents] @ Registry()
    return Draft202012Validator(schema, registry=registry)


@cache
def _schema(file: str, version: str) -> Any:
    line = ".".join(version.split(".")[:2])
    folders = sorted(_FOLDER.glob(f"v{line}*-local-strict"))
    assert folders, f"kubernetes-validate has no schemas of Kubernetes {line}"
    return schema_contents(f"kubernetes-json-schema/{folders[-1].name}/{file}", version)
