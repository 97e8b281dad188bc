"""Play random histories on an orchestrator, and hold what it starts against what the docs say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from history_mesh import HistoryMesh
from update_histories import PRODUCERS, RULES, Page, Round, shown

# For each run of a consumer: what it began with; and how the runs ended.
Runs = tuple[list[tuple[int, ...]], list[str]]


class Player(Protocol):
    """An orchestrator that runs the consumers of a mesh."""

    mesh: HistoryMesh

    def take(self, what: str, whom: str) -> None:
        """Have an event of the orchestrator's own happen."""

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        """Give it the time to do what is due, and what is not."""

    def ends(self, consumer: str) -> list[str]:
        """Return how the runs in its own records ended: success, failed, or `on` for not yet."""


def play(player: Player, history: Sequence[Round]) -> None:
    """Play a history; an assertion fails at the first round after which the runs differ."""
    page, mesh = Page(), player.mesh
    greens = tuple((mesh.folder / f"{each}.greens").stat().st_size for each in PRODUCERS)
    before = {name: len(player.ends(name)) for name in RULES}
    begun_before = {name: len(mesh.begun(name)) for name in RULES}

    def found() -> dict[str, Runs]:
        return {
            name: (
                [
                    tuple(now - base for now, base in zip(each, greens, strict=True))
                    for each in mesh.begun(name)[begun_before[name] :]
                ],
                player.ends(name)[before[name] :],
            )
            for name in RULES
        }

    for number, events in enumerate(history, start=1):
        for what, whom in events:
            if not mesh.take(what, whom):
                player.take(what, whom)
        page.take(events)
        expected = {
            name: (reading.begun, [*reading.ends, *(["on"] if reading.is_running else [])])
            for name, reading in page.consumers.items()
        }
        player.settle(lambda expected=expected: found() == expected)
        # What is due while nobody watches is not started, and what has ended is not yet known.
        if not page.is_away:
            assert found() == expected, f"after\n{shown(history[:number])}"
