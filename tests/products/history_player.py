"""Play random histories on an orchestrator, and hold what it starts against what the docs say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from history_mesh import HistoryMesh
from update_histories import PRODUCERS, RULES, WATCHING, Page, Round, shown

# For each run of a consumer: what it began with; and how the runs ended.
Runs = tuple[list[tuple[int, ...]], list[str]]


class Player(Protocol):
    """An orchestrator that runs the consumers of one mesh or more."""

    meshes: Sequence[HistoryMesh]

    def watch(self, what: str) -> None:
        """Have something happen to whatever watches for updates: away, back or bounce."""

    def take(self, what: str, consumer: str) -> None:
        """Have an event of the orchestrator's own happen to a consumer, by its name there."""

    def settle(self, is_as_expected: Callable[[], bool]) -> None:
        """Give it the time to do what is due, and what is not."""

    def ends(self, consumer: str) -> list[str]:
        """Return how the runs in its own records ended: success, failed, or `on` for not yet."""


class Play:
    """A history that is played on one mesh."""

    def __init__(self, player: Player, mesh: HistoryMesh, history: Sequence[Round]) -> None:
        self.history = history
        self.page = Page()
        self._player, self._mesh = player, mesh
        self._greens = tuple((mesh.folder / f"{each}.greens").stat().st_size for each in PRODUCERS)
        self._ends_before = {name: len(self._ends(name)) for name in RULES}
        self._begun_before = {name: len(mesh.begun(name)) for name in RULES}

    def take(self, events: Round) -> None:
        """Have the events of a round happen, but for those of whatever watches."""
        for what, whom in events:
            if what not in WATCHING and not self._mesh.take(what, whom):
                self._player.take(what, self._mesh.named(whom))
        self.page.take(events)

    def expected(self) -> dict[str, Runs]:
        """Return the runs that the page says."""
        return {
            name: (reading.begun, [*reading.ends, *(["on"] if reading.is_running else [])])
            for name, reading in self.page.consumers.items()
        }

    def found(self) -> dict[str, Runs]:
        """Return the runs that there were."""
        return {
            name: (
                [
                    tuple(now - base for now, base in zip(each, self._greens, strict=True))
                    for each in self._mesh.begun(name)[self._begun_before[name] :]
                ],
                self._ends(name)[self._ends_before[name] :],
            )
            for name in RULES
        }

    def is_as_expected(self) -> bool:
        return self.found() == self.expected()

    def check(self, number: int) -> None:
        """Fail if the runs differ, with the rounds that led there."""
        found, expected = self.found(), self.expected()
        differing = [
            f"{name}: {found[name]} and not {expected[name]}"
            for name in RULES
            if found[name] != expected[name]
        ]
        assert not differing, "\n".join([*differing, "after", shown(self.history[:number])])

    def _ends(self, consumer: str) -> list[str]:
        return self._player.ends(self._mesh.named(consumer))


def play(player: Player, histories: Sequence[Sequence[Round]]) -> None:
    """Play a history on each mesh; an assertion fails at the first round whose runs differ."""
    pairs = zip(player.meshes, histories, strict=True)
    plays = [Play(player, mesh, history) for mesh, history in pairs]
    for number, rounds in enumerate(zip(*histories, strict=True), start=1):
        for each, events in zip(plays, rounds, strict=True):
            each.take(events)
        for what in {what for events in rounds for what, _ in events if what in WATCHING}:
            player.watch(what)
        player.settle(lambda: all(each.is_as_expected() for each in plays))
        for each in plays:
            # What is due while nobody watches is not started, and what ended is not yet known.
            if not each.page.is_away:
                each.check(number)
