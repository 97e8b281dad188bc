"""The base of every schema: immutable, and closed to unknown fields."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record of our own making: unknown fields are a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
