"""One thing that a move changes, loses, or nobody knows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Kind = Literal["ok", "note", "loss", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found under which code, and how to fix it, "" if there is nothing to fix."""

    code: str
    kind: Kind
    what: str
    fix: str = ""

    def blocks(self, accepted: Collection[str]) -> bool:
        """Whether it speaks against the move, unless its code is accepted."""
        return self.kind in ("loss", "unknown") and self.code not in accepted
