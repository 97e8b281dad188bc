"""Find the fields of a model whose values have changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

# Fields whose values mean nothing to a person, and what a difference means.
_HASHED = {"project_hash": "vars, hooks, flags or packages of the dbt project changed"}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field and its two values, as JSON has them."""

    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        if self.name in _HASHED:
            return _HASHED[self.name]
        return f"{self.name}: {_format_value(self.old)} -> {_format_value(self.new)}"


def changed_fields(
    old: BaseModel, new: BaseModel, names: Iterable[str] | None = None
) -> tuple[FieldChange, ...]:
    """Return the fields that differ, of those named or of all, in the order of the model."""
    wanted = type(new).model_fields if names is None else names
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    return tuple(
        FieldChange(name, before[name], after[name])
        for name in wanted
        if before[name] != after[name]
    )


def _format_value(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
