"""Random histories of updates of ports, and the runs that docs/ports.md says they start.

Nothing here is floe's: whoever has read that page could write the same down by hand. A history is
a list of rounds. After each round the orchestrator gets the time to do whatever is due.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

PRODUCERS = ("crm", "sales")
# What happened, and to whom; "" for all.
Event = tuple[str, str]
Round = tuple[Event, ...]


@dataclass(frozen=True)
class Rule:
    """What floe.yaml says of a consumer: `onUpdate`, whether it waits for an hour, `whenLate`."""

    on_update: str
    waits: bool = False
    when_late: str = "run"


RULES = {
    "every": Rule("all"),
    "either": Rule("any"),
    "patient": Rule("all", waits=True),
    "strict": Rule("all", waits=True, when_late="skip"),
}


@dataclass
class Reading:
    """A consumer by the words of the page.

    `news` holds, for each producer, how many hours ago each update came that is new. `begun` says,
    for each run, how many green builds of each producer came before it, `ends` how it ended.
    """

    rule: Rule
    news: dict[str, list[int]] = field(default_factory=lambda: {each: [] for each in PRODUCERS})
    greens: Counter[str] = field(default_factory=Counter)
    begun: list[tuple[int, ...]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    is_paused: bool = False
    is_held: bool = False
    is_broken: bool = False
    is_running: bool = False

    def update(self, producer: str) -> None:
        self.greens[producer] += 1
        self.news[producer].append(0)

    def let_an_hour_pass(self) -> None:
        self.news = {port: [age + 1 for age in ages] for port, ages in self.news.items()}

    def begin(self) -> None:
        self.begun.append(tuple(self.greens[each] for each in PRODUCERS))
        self.forget_news()
        self.is_running = True

    def forget_news(self) -> None:
        """Whatever came up to now counts as seen."""
        self.news = {port: [] for port in self.news}

    def settle(self, is_away: bool) -> None:
        """Do what is due, until nothing is. A run ends by itself unless something holds it."""
        while True:
            if self.is_running and not self.is_held:
                self.is_running = False
                self.ends.append("failed" if self.is_broken else "success")
            if is_away or self.is_paused or self.is_running or not self._is_due():
                return
            self.begin()

    def _is_due(self) -> bool:
        ages = [age for found in self.news.values() for age in found]
        if not ages:
            return False
        if self.rule.on_update == "any" or all(self.news.values()):
            return True
        is_late = self.rule.waits and max(ages) >= 1
        if is_late and self.rule.when_late == "skip":
            self.forget_news()
            return False
        return is_late


class Page:
    """All consumers, and what happens to them all."""

    def __init__(self) -> None:
        self.consumers = {name: Reading(rule) for name, rule in RULES.items()}
        self.is_away = False

    def take(self, events: Round) -> None:
        """Have these events happen, and then whatever they make due."""
        for event in events:
            self._take(*event)
        for reading in self.consumers.values():
            reading.settle(self.is_away)

    def _take(self, what: str, whom: str) -> None:
        if what in ("away", "back"):
            self.is_away = what == "away"
        for name, reading in self.consumers.items():
            if what == "green":
                reading.update(whom)
            elif what == "hour":
                reading.let_an_hour_pass()
            elif name == whom:
                _change(reading, what)

    def may(self, what: str, whom: str) -> bool:
        """Return whether an event can happen now."""
        if what in ("away", "back"):
            return self.is_away == (what == "back")
        if whom not in self.consumers:
            return True
        reading = self.consumers[whom]
        is_idle = not reading.is_running
        return {
            "pause": not reading.is_paused,
            "resume": reading.is_paused,
            "hold": is_idle and not reading.is_held,
            # Airflow does not look at the runs of a DAG that is paused, and so sees no end of one.
            "release": reading.is_held and not (reading.is_running and reading.is_paused),
            "break": is_idle and not reading.is_broken,
            "mend": is_idle and reading.is_broken,
            "by hand": is_idle and not reading.is_paused and not self.is_away,
        }[what]


def _change(reading: Reading, what: str) -> None:
    if what == "by hand":
        reading.begin()
    elif what in ("pause", "resume"):
        reading.is_paused = what == "pause"
    elif what in ("hold", "release"):
        reading.is_held = what == "hold"
    else:
        reading.is_broken = what == "break"


# What happens to whatever watches, by SIGKILL where it ends.
WATCHING = ("away", "back", "bounce")
LOCAL = ("pause", "resume", "hold", "release", "break", "mend", "by hand")
# After the last round nothing is away, paused, held or broken.
UNDONE = (
    ("back", "is_away"),
    ("resume", "is_paused"),
    ("release", "is_held"),
    ("mend", "is_broken"),
)
# The first round: what went before is none of this history's business.
CLEAN_SLATE: Round = tuple(("by hand", name) for name in RULES)


def random_history(chance: random.Random, length: int) -> list[Round]:
    """Return so many rounds, of what happens to all and of what happens to some consumers.

    A round that makes two things happen to one consumer would leave open which comes first.
    `bounce` is the end of whatever watches, by SIGKILL, while it may be starting something.
    """
    [history] = random_histories(chance, length, 1)
    return history


def random_histories(chance: random.Random, length: int, number: int) -> list[list[Round]]:
    """Return so many histories of as many rounds, to be played at once on one orchestrator.

    What watches is the same for all of them: `away`, `back` and `bounce` come in the same rounds.
    """
    pages = [Page() for _ in range(number)]
    histories = [[CLEAN_SLATE] for _ in pages]
    for page in pages:
        page.take(CLEAN_SLATE)

    def add(rounds: Sequence[Round]) -> None:
        if any(rounds):
            for page, history, events in zip(pages, histories, rounds, strict=True):
                page.take(events)
                history.append(events)

    while len(histories[0]) < length:
        if len(histories[0]) % 2 == 1:
            watching = _random_watch(chance, pages[0])
            add([tuple(_events_of_all(chance, page, watching)) for page in pages])
        else:
            add([tuple(_events_of_some(chance, page)) for page in pages])
    for undoing, state in UNDONE:
        add([tuple(_ending(page, undoing, state)) for page in pages])
    return histories


def _random_watch(chance: random.Random, page: Page) -> str:
    """Return what happens to whatever watches, if anything does."""
    if page.is_away:
        return "back" if chance.random() < 0.3 else ""
    return chance.choices(["", "away", "bounce"], [76, 10, 14])[0]


def _events_of_all(chance: random.Random, page: Page, watching: str) -> Iterator[Event]:
    if watching not in ("away", "back"):
        # Whatever watches dies while it may be starting something.
        weights = [14, 2, 3] if not watching else [1, 0, 0]
        [what] = chance.choices(["green", "red", "hour"], weights)
        yield what, _producer(chance, page) if what in ("green", "red") else ""
    if watching:
        yield watching, ""


def _events_of_some(chance: random.Random, page: Page) -> Iterator[Event]:
    for name in RULES:
        possible = [each for each in LOCAL if page.may(each, name)]
        weights = [_weight(each, page.consumers[name]) for each in possible]
        if chance.random() < 0.35:
            yield chance.choices(possible, weights)[0], name


def _weight(what: str, reading: Reading) -> int:
    """Return how likely an event is beside others, so that updates come while runs are held up.

    What has been paused or broken is not so for ever.
    """
    if what == "release":
        return 8 if reading.is_running and any(reading.news.values()) else 1
    if what == "hold":
        return 4
    if what == "by hand":
        return 6 if reading.is_held else 1
    return {"resume": 4, "mend": 4, "break": 2}.get(what, 1)


def _producer(chance: random.Random, page: Page) -> str:
    """Return a producer, rather one that has had fewer green builds than the other."""
    greens = next(iter(page.consumers.values())).greens
    behind = min(PRODUCERS, key=lambda each: greens[each])
    return chance.choice([*PRODUCERS, behind])


def _ending(page: Page, undoing: str, state: str) -> Iterator[Event]:
    """Yield what makes an end of something that is not to last longer than the history."""
    if undoing == "back":
        if page.is_away:
            yield undoing, ""
        return
    for name, reading in page.consumers.items():
        if getattr(reading, state):
            yield undoing, name


def shown(rounds: Sequence[Round]) -> str:
    """Return a history, or the part of it that was played, a round in each line."""
    return "\n".join("  " + ", ".join(" ".join(event).strip() for event in each) for each in rounds)
