"""What the last green build of each node was, as the store keeps it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from floe_core.reuse.parts import ROWS, WHOLE, digest

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Versions:
    """The version of which rows a relation has, and of each of its columns in their order.

    `columns` is None where its columns are not known; `rows` then stands for all of it.
    """

    rows: str
    columns: Mapping[str, str] | None = None

    @property
    def of_all(self) -> str:
        """The version of the relation as a whole; `rows` where all of it is new at once."""
        columns = self.columns or {}
        return self.rows if {*columns.values()} <= {self.rows} else self.of(WHOLE)

    def of(self, column: str) -> str:
        """Return the version of a column, of `ROWS`, or of all."""
        if column == ROWS or self.columns is None:
            return self.rows
        if column == WHOLE:
            return digest(self.rows, list(self.columns.items()))
        return self.columns.get(column, "")


@dataclass(frozen=True, slots=True)
class Standing:
    """A relation as it is in the warehouse: a hash of all that is in it, and its columns."""

    evidence: str
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """The last green build of a node, or the verdict of a test that passed.

    `traits` are hashes of what it was built from, by what a person calls each; `reads` is parent
    id -> column -> version. `standing` is what the build left, None for a test. `lineage_run_id` is
    the node's run in OpenLineage.
    """

    run_id: str
    traits: Mapping[str, str]
    reads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Versions = Versions("")
    standing: Standing | None = None
    seconds: float = 0.0
    lineage_run_id: str = ""

    @property
    def fingerprint(self) -> str:
        """The hash of all that it was built from."""
        return digest(dict(self.traits), {k: dict(v) for k, v in self.reads.items()})


@dataclass(frozen=True, slots=True)
class ActiveBuild:
    """A build under way: what it builds, and what others have built since it began."""

    host: str
    pid: int
    since: float
    node_ids: tuple[str, ...]
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The entries of one product in one place of a warehouse (`subject`), by node id."""

    subject: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    active: Mapping[str, ActiveBuild] = field(default_factory=dict)

    def of_subject(self, subject: str) -> State:
        """Return this state if it is of that subject, otherwise an empty one."""
        return self if self.subject == subject else State(subject)

    def begun(self, token: str, build: ActiveBuild) -> State:
        """Return the state once a build has begun: what it builds is not known any more."""
        ids = set(build.node_ids)
        others = {
            name: replace(each, touched=tuple(sorted({*each.touched, *ids})))
            for name, each in self.active.items()
        }
        touched = {node_id for each in others.values() for node_id in each.node_ids}
        own = replace(build, touched=tuple(sorted(touched)))
        left = {node_id: entry for node_id, entry in self.entries.items() if node_id not in ids}
        return replace(self, entries=left, active={**others, token: own})

    def ended(self, entries: Mapping[str, Entry], doubtful: Collection[str] = ()) -> State:
        """Return the state with what a build has left, and without what is in doubt."""
        kept = {i: entry for i, entry in self.entries.items() if i not in doubtful}
        return replace(self, entries={**kept, **entries})

    def without(self, tokens: Iterable[str]) -> State:
        """Return the state without builds that are known to be over."""
        gone = set(tokens)
        return replace(self, active={k: v for k, v in self.active.items() if k not in gone})


def to_text(state: State) -> str:
    """Return a state as text, with a hash of it, so that a torn one is known for what it is."""
    fields = asdict(state)
    return json.dumps({"format": FORMAT, "hash": digest(fields), "state": fields})


def from_text(text: str) -> State:
    """Return the state in a text.

    Raises:
        ValueError: It is damaged, or of another format.
    """
    told = json.loads(text)
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        found = told.get("format") if isinstance(told, dict) else None
        raise ValueError(f"its format is {found}, and this floe knows {FORMAT}")
    fields = told.get("state")
    if not isinstance(fields, dict) or told.get("hash") != digest(fields):
        raise ValueError("it is damaged")
    return State(
        fields["subject"],
        {node_id: _entry(each) for node_id, each in fields["entries"].items()},
        {token: _active(each) for token, each in fields["active"].items()},
    )


def _active(fields: dict[str, Any]) -> ActiveBuild:
    lists = {name: tuple(fields[name]) for name in ("node_ids", "touched")}
    return ActiveBuild(**{**fields, **lists})


def _entry(fields: dict[str, Any]) -> Entry:
    standing = fields["standing"]
    return Entry(
        **{
            **fields,
            "versions": Versions(**fields["versions"]),
            "standing": standing and Standing(standing["evidence"], tuple(standing["columns"])),
        }
    )
