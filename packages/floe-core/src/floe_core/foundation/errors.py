"""The errors that floe raises on purpose, each with its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: what happened, where in the user's file, and how to fix it.

    `line` and `column` count from 1; 0 means unknown. `excerpt` is the text of that line.
    """

    what: str
    fix: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    excerpt: str = ""

    def __str__(self) -> str:
        return "\n".join(part for part in (self._headline(), self._picture(), self._mend()) if part)

    def _headline(self) -> str:
        spot = ":".join([self.file, *(str(n) for n in (self.line, self.column) if n)])
        return f"{spot}: {self.what}" if self.file else self.what

    def _picture(self) -> str:
        if not (self.excerpt and self.line):
            return ""
        shown = self.excerpt if len(self.excerpt) <= 120 else self.excerpt[:117] + "..."
        margin = f"{self.line:>4} | "
        caret_at = len(margin) + min(max(self.column - 1, 0), len(shown))
        return f"{margin}{shown}\n{' ' * caret_at}^"

    def _mend(self) -> str:
        return f"fix: {self.fix}" if self.fix else ""


class FloeError(Exception):
    """Base of every error floe raises on purpose. The command line exits with `exit_code`."""

    exit_code = 3


class InvalidProductError(FloeError, ValueError):
    """The user's files are wrong. Carries every problem found, in the order of the files."""

    exit_code = 1

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n\n".join(str(problem) for problem in self.problems))


class StaleProductError(InvalidProductError):
    """A compiled folder is incomplete or no longer matches what was compiled."""


class EnvironmentProblemError(FloeError):
    """A problem of this machine or of a service it needs: permissions, disk, plugin, network."""


class PluginError(EnvironmentProblemError):
    """An orchestrator plugin is missing, can't be imported, or was made for another floe."""


class UsageError(FloeError, ValueError):
    """The call itself is wrong: an unknown job, a selection of no nodes."""

    exit_code = 2


class NothingNewError(FloeError):
    """Another run has already started for the same port updates, so this one builds nothing."""


def invalid(what: str, fix: str = "", file: str = "", line: int = 0) -> InvalidProductError:
    """Return the error for a single problem, to be raised."""
    return InvalidProductError([Problem(what=what, fix=fix, file=file, line=line)])
