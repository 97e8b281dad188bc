"""What `floe dev` prints: a line for each thing that happens, with its time."""

from __future__ import annotations

import threading
import time
from datetime import datetime

from rich.markup import escape
from rich.text import Text

from floe_core.cli.console import count_of, stderr
from floe_dev.product_at_hand import Compilation

_MOST_NAMES = 3


class Terminal:
    """Prints to stderr; threads take turns. `prefix` begins each line, after its time."""

    def __init__(self, prefix: str = "", turn: threading.Lock | None = None) -> None:
        self._prefix = prefix
        self._turn = turn or threading.Lock()
        self._was_wrong = False

    def of_product(self, name: str) -> Terminal:
        """Return a terminal for one product of several."""
        return Terminal(f"{name}: ", self._turn)

    def say(self, text: str, style: str = "") -> None:
        """Print a line."""
        with self._turn:
            at = f"[dim]{datetime.now():%H:%M:%S}[/]"
            stderr().print(f"{at} {escape(self._prefix + text)}", style=style, soft_wrap=True)

    def show_end(self, headline: str, last_words: str) -> None:
        """Print that a process has ended, and what it wrote at the end, perhaps in colors."""
        self.say(headline, "red")
        with self._turn:
            stderr().print(Text.from_ansi(last_words), style="dim", soft_wrap=True)

    def show(self, found: Compilation) -> None:
        """Print how a compile ended; an error is printed whole."""
        what = _names(found.changed)
        for notice in found.compiled.notices:
            self.say(notice, "dim")
        if found.artifacts is not None:
            again = "; the errors are gone" if self._was_wrong else ""
            nodes = count_of(len(found.artifacts.runnable), "node")
            self.say(f"{what}compiled in {found.seconds:.1f} s: {nodes}{again}", "green")
            self._was_wrong = False
            return
        assert found.compiled.error is not None
        self._was_wrong = True
        self.show_error(f"{what}does not compile:", found.compiled.error["message"])

    def show_error(self, headline: str, message: str) -> None:
        """Print an error below a line that says where it comes from."""
        self.say(headline, "bold red")
        with self._turn:
            stderr().print(message, markup=False, soft_wrap=True)


def _names(changed: tuple[str, ...]) -> str:
    """Return the names of changed files, with a space after them.

    >>> _names(("a", "b", "c", "d")), _names(())
    ('a, b, c and 1 more: ', '')
    """
    names = ", ".join(changed[:_MOST_NAMES])
    more = len(changed) - _MOST_NAMES
    names += f" and {more} more" if more > 0 else ""
    return f"{names}: " if names else ""


class Naps:
    """Notices that the machine slept: its clock went on, and this process did not."""

    LEAST_SECONDS = 30.0

    def __init__(self) -> None:
        self._wall, self._awake = time.time(), time.monotonic()

    def seconds(self) -> float:
        """Return how long it slept since the last call, 0 if it did not."""
        wall, awake = time.time(), time.monotonic()
        slept = (wall - self._wall) - (awake - self._awake)
        self._wall, self._awake = wall, awake
        return slept if slept > self.LEAST_SECONDS else 0.0
