"""Hash parts of a query, and keep what each part reads from the query's inputs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

_DIGITS = 24
# In place of a column's name: the set of rows of a relation, and the whole relation.
ROWS, WHOLE = "#rows", "#whole"


class Leaf(NamedTuple):
    """Something that is read from an input: a column by its name, `ROWS` or `WHOLE`."""

    parent: str
    column: str


@dataclass(frozen=True, slots=True)
class Part:
    """The hash of an expression, which names its inputs, and what it reads from them."""

    hash: str
    leaves: frozenset[Leaf] = frozenset()


@dataclass(frozen=True, slots=True)
class Columns:
    """The parts of a relation: its set of rows, and its columns by name."""

    rows: Part
    columns: Mapping[str, Part] = field(default_factory=dict)


def digest(*values: Any) -> str:
    """Return a hash of JSON-like values."""
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]


def join_parts(*parts: Any) -> Part:
    """Return one part combined from several; other values count as they are."""
    leaves: set[Leaf] = set()

    def plain(value: Any) -> Any:
        if isinstance(value, Part):
            leaves.update(value.leaves)
            return ["part", value.hash]
        return [plain(each) for each in value] if isinstance(value, list | tuple) else value

    hashed = digest(plain(parts))
    return Part(hashed, frozenset(leaves))
