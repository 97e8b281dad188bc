"""What became of each construct of the user's files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
