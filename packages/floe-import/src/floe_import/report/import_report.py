"""The report of an import: every construct of the files that were read, and what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from floe_import.report.findings import DISPOSITIONS, Disposition, Finding, worst


@dataclass
class ImportReport:
    """What one import found: its findings in the order of the files, and `path -> text` to write.

    `steps` are sentences about what to do next; `definitions` are pairs of a definitions file and
    the one that takes its place.
    """

    findings: list[Finding] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    definitions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def disposition(self) -> Disposition:
        """The worst disposition of all."""
        return worst([each.disposition for each in self.findings])

    def unwaived(self, waivers: Collection[str]) -> list[Finding]:
        """Return what is lost and not waived by its code."""
        return [f for f in self.findings if f.disposition == "lost" and f.code not in waivers]

    def counts(self) -> dict[str, int]:
        """Return how many constructs have each disposition."""
        found = Counter(each.disposition for each in self.findings)
        return {name: found[name] for name in DISPOSITIONS}

    def as_dict(self, written: Sequence[str]) -> dict[str, Any]:
        """Return it as `floe import --json` prints it."""
        return {
            "disposition": self.disposition,
            "counts": self.counts(),
            "findings": [each.as_dict() for each in self.findings],
            "written": list(written),
            "next": self.steps,
        }

    def as_text(self) -> str:
        """Return it as people read it: one line for each construct, then the counts."""
        lines = [
            f"{each.place}: {each.code} {each.disposition}: {each.construct}: {each.sentence}"
            for each in self.findings
        ]
        counted = ", ".join(f"{number} {name}" for name, number in self.counts().items())
        return "\n".join([*lines, counted])
