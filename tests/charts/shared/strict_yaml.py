"""Read YAML as a strict reader does: the same key twice in one mapping is an error."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DuplicateKeyError(ValueError):
    """A mapping that says two things of one key."""


class StrictLoader(_Loader):  # type: ignore[misc, valid-type]
    """A safe loader that refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise DuplicateKeyError(f"{node.start_mark}: {', '.join(map(str, twice))} twice")
        return super().construct_mapping(node, deep)  # type: ignore[no-any-return]


def documents(text: str) -> list[dict[str, Any]]:
    """Return the documents of a text that hold anything, each a mapping."""
    found = [each for each in yaml.load_all(text, StrictLoader) if each is not None]
    assert all(isinstance(each, dict) for each in found), "a document that is not a mapping"
    return found


def document(text: str) -> Any:
    """Return the one document of a text."""
    return yaml.load(text, StrictLoader)
