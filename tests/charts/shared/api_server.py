"""What a Kubernetes API server does with objects: a model, of what charts have fallen foul of."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from helm_engine import Object
from immutable_fields import immutable_fields
from pods import named, pods

LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# Server-side apply merges these lists by key, and refuses a key that is there twice.
KEYS = {"env": "name", "volumes": "name", "volumeMounts": "mountPath", "containers": "name"}
LONGEST = 63


class RefusedError(Exception):
    """The API server, or Helm, refuses."""


class ApiServer:
    """The objects that are there: kind and name -> object."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}

    def apply(self, thing: Object) -> None:
        """Create an object, or change the one that is there.

        Raises:
            RefusedError: It is invalid, or changes what cannot be changed.
        """
        problems = [*invalid_names(thing), *doubled_keys(thing)]
        if problems:
            raise RefusedError("; ".join(problems))
        there = self.objects.get(named(thing))
        if there is not None and immutable_fields([there]) != immutable_fields([thing]):
            raise RefusedError(f"{named(thing)}: field is immutable")
        self.objects[named(thing)] = copy.deepcopy(thing)

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is no error."""
        self.objects.pop(name, None)

    def let_time_pass(self) -> None:
        """Delete the Jobs that are to go some time after their end."""
        for name, thing in list(self.objects.items()):
            if thing.get("spec", {}).get("ttlSecondsAfterFinished") is not None:
                self.delete(name)


def invalid_names(thing: Object) -> Iterator[str]:
    """Yield the names and labels of an object, and of the containers in it, that are invalid."""
    yield from _not_matching(DNS_LABEL, [thing["metadata"]["name"]], f"name of {named(thing)}")
    yield from _not_matching(LABEL, _labels(thing), f"label of {named(thing)}")
    for pod in pods([thing]):
        names = [container["name"] for container in pod.containers]
        yield from _not_matching(DNS_LABEL, names, f"container of {named(thing)}")
        yield from (f"{named(thing)}: container {name} twice" for name in _twice(names))


def doubled_keys(value: Any, place: str = "") -> Iterator[str]:
    """Yield what server-side apply refuses as duplicate entries."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in KEYS and isinstance(inner, list):
                names = [each[KEYS[key]] for each in inner if KEYS[key] in each]
                yield from (f"duplicate entries for {place}.{key}: {n}" for n in _twice(names))
            yield from doubled_keys(inner, f"{place}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from doubled_keys(inner, place)


def _labels(thing: Object) -> list[str]:
    metadata = [thing["metadata"], thing.get("spec", {}).get("template", {}).get("metadata", {})]
    return [str(text) for each in metadata for text in (each.get("labels") or {}).values()]


def _not_matching(rule: re.Pattern[str], names: Iterable[str], what: str) -> Iterator[str]:
    for name in names:
        if len(name) > LONGEST or not rule.fullmatch(name):
            yield f"{what}: {name!r}"


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
