"""The base of every schema: immutable, and closed to unknown fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that floe itself writes: an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy with some fields replaced; values derived from the old ones stay."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            for derived in copied.__dict__.keys() - type(self).model_fields.keys():
                del copied.__dict__[derived]
        return copied
