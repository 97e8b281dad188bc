"""One thing that `floe doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about which subject, and how to fix it.

    `fix` is "" if nothing is wrong, or if `what` says how. A `problem` keeps runs from working;
    a `warning` does not.
    """

    subject: str
    severity: Severity
    what: str
    fix: str = ""
