"""The report of an import: what became of each construct, and what was written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Disposition = Literal["exact", "changed", "lost", "unknown"]
# From the best to the worst: a file is as good as its worst construct.
DISPOSITIONS: tuple[Disposition, ...] = ("exact", "changed", "lost", "unknown")


@dataclass(frozen=True, order=True)
class Place:
    """Where a construct is; `line` and `column` count from 1, 0 for the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return ":".join(
            [self.file, *(str(number) for number in (self.line, self.column) if number)]
        )


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a construct: a disposition, and a sentence that says how or why."""

    disposition: Disposition
    sentence: str


@dataclass(frozen=True)
class Finding:
    """One construct, where it is, and its disposition by the rule with this code."""

    code: str
    construct: str
    place: Place
    disposition: Disposition
    sentence: str

    def as_dict(self) -> dict[str, object]:
        """Return it as `floe import --json` prints it."""
        return {
            "code": self.code,
            "construct": self.construct,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "disposition": self.disposition,
            "sentence": self.sentence,
        }


def finding_of(code: str, construct: str, place: Place, verdict: Verdict) -> Finding:
    """Return the finding that a verdict on a construct makes."""
    return Finding(code, construct, place, verdict.disposition, verdict.sentence)


def exact(sentence: str) -> Verdict:
    """Return the verdict that floe does the same."""
    return Verdict("exact", sentence)


def changed(sentence: str) -> Verdict:
    """Return the verdict that floe does it in another way, which the sentence describes."""
    return Verdict("changed", sentence)


def lost(sentence: str) -> Verdict:
    """Return the verdict that floe does not do it."""
    return Verdict("lost", sentence)


def unknown(sentence: str) -> Verdict:
    """Return the verdict that someone has to decide; the sentence says what."""
    return Verdict("unknown", sentence)


# The verdict of what makes no difference, such as a default.
NO_EFFECT = exact("the same as without it")


def worst(dispositions: list[Disposition]) -> Disposition:
    """Return the worst disposition, exact for none.

    >>> worst(["exact", "lost", "changed"])
    'lost'
    """
    return max(dispositions, key=DISPOSITIONS.index, default="exact")


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
