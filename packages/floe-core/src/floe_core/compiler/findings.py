"""Collect the problems that compile finds, to report all of them at once, and its notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, Problem


class Findings:
    """Collects the problems of several checks to raise together; passes on notices."""

    def __init__(self, on_notice: Callable[[str], None]) -> None:
        # Whether there is a problem with which dbt cannot be asked for more.
        self.end_before_dbt = False
        self._problems: list[Problem] = []
        self._noticed: set[str] = set()
        self._on_notice = on_notice

    def notice(self, text: str) -> None:
        """Pass on what is not an error, once."""
        if text not in self._noticed:
            self._noticed.add(text)
            self._on_notice(text)

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        if problem not in self._problems:
            self._problems.append(problem)

    @contextmanager
    def gather(self, *, before_dbt: bool = False) -> Iterator[None]:
        """Note the problems that the block raises, and go on after it.

        Those noted so far hide a problem of the environment, which may be a consequence.
        """
        try:
            yield
        except EnvironmentProblemError:
            self.raise_if_any()
            raise
        except InvalidProductError as error:
            self.end_before_dbt |= before_dbt
            for problem in error.problems:
                self.add(problem)

    def raise_if_any(self) -> None:
        """Raise every problem noted so far, in the order of files and lines."""
        if self._problems:
            raise InvalidProductError(
                sorted(self._problems, key=lambda p: (p.file, p.line, p.column))
            )
