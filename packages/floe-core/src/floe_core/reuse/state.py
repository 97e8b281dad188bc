"""The last green build of each node, as kept in the store."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from difflib import unified_diff
from typing import Any
from zlib import compress, decompress

from floe_core.reuse.queries.parts import ROWS, WHOLE, digest
from floe_core.storage.files import from_hashed_text, to_hashed_text

# Characters of packed code; longer code, such as generated SQL, is not kept.
_LONGEST = 50_000


def pack_code(code: str) -> str:
    """Return code in the format that `unpack_code` reads, "" if it is too long to keep."""
    packed = b64encode(compress(code.encode(), 9)).decode()
    return packed if len(packed) <= _LONGEST else ""


def unpack_code(packed: str) -> str:
    """Return the code that was packed, "" for none."""
    return decompress(b64decode(packed)).decode() if packed else ""


def compare_codes(before: str, after: str, last_run: str) -> str:
    """Return a unified diff of two codes, "" if they are equal."""
    old, new = before.strip().splitlines(), after.strip().splitlines()
    lines = unified_diff(old, new, f"run {last_run}", "now", lineterm="")
    return "\n".join(lines)


FORMAT = 6


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a relation's set of rows, and of each of its columns, in order.

    `columns` is None if its columns are not known; `rows` then stands for the whole relation.
    """

    rows: str
    columns: Mapping[str, str] | None = None

    @property
    def of_all(self) -> str:
        """The version of the relation as a whole; `rows` if everything has the same version."""
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
class RelationFacts:
    """A relation as it is in the warehouse: a hash of its contents, and its columns.

    `rows` is None for a view, whose rows were not counted.
    """

    evidence: str
    columns: tuple[str, ...] = ()
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """The last green build of a node, or the verdict of a test that passed.

    `traits` are hashes of what it was built from, by a name for people; `reads` is parent id ->
    column -> version. `relation` is the one that the build left, None for a test.
    `lineage_run_id` is the node's run in OpenLineage. `code` is the compiled code, packed, without
    secrets. `rendering` is the key that determines the code, "" if not known. `planned_at` is when
    the build was planned, before it read its inputs, in seconds since 1970. `newest` is source id
    -> the highest value of its `loaded_at_field` then, for the sources that it reads.
    `by_row_order` is whether its result may depend on the order of its inputs' rows. `is_settled`
    is whether the build left the relation as the build before it had, from the same.
    """

    run_id: str
    traits: Mapping[str, str]
    reads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    versions: Versions = Versions("")
    relation: RelationFacts | None = None
    seconds: float = 0.0
    lineage_run_id: str = ""
    code: str = ""
    rendering: str = ""
    planned_at: float = 0.0
    newest: Mapping[str, str] = field(default_factory=dict)
    by_row_order: bool = True
    is_settled: bool = False

    @property
    def fingerprint(self) -> str:
        """The hash of everything that it was built from."""
        return digest(dict(self.traits), {k: dict(v) for k, v in self.reads.items()})

    def is_made_as(self, other: Entry) -> bool:
        """Return whether both were built from the same; faster than comparing fingerprints."""
        return self.traits == other.traits and self.reads == other.reads


_ENTRY = tuple(each.name for each in fields(Entry))


@dataclass(frozen=True, slots=True)
class ActiveBuild:
    """A build under way: the nodes it builds, and those that others have built since it started."""

    host: str
    pid: int
    since: float
    node_ids: tuple[str, ...]
    touched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """The entries of one product in one place of a warehouse (`subject`), by node id.

    `former` are the entries of nodes that a build has begun to change since. They do not describe
    the current relations, but still record which version had which content.
    """

    subject: str = ""
    entries: Mapping[str, Entry] = field(default_factory=dict)
    active: Mapping[str, ActiveBuild] = field(default_factory=dict)
    former: Mapping[str, Entry] = field(default_factory=dict)

    def of_subject(self, subject: str) -> State:
        """Return this state if it has that subject, otherwise an empty one."""
        return self if self.subject == subject else State(subject)

    def last_of(self, node_id: str) -> Entry | None:
        """Return the last green build of a node, whatever has happened to its relation since."""
        return self.entries.get(node_id) or self.former.get(node_id)

    def with_build(self, token: str, build: ActiveBuild) -> State:
        """Return the state after the start of a build, without entries of the nodes it builds."""
        ids = set(build.node_ids)
        others = {
            name: replace(each, touched=tuple(sorted({*each.touched, *ids})))
            for name, each in self.active.items()
        }
        touched = {node_id for each in others.values() for node_id in each.node_ids}
        own = replace(build, touched=tuple(sorted(touched)))
        left = {node_id: entry for node_id, entry in self.entries.items() if node_id not in ids}
        changed = {i: entry for i, entry in self.entries.items() if i in ids}
        former = {**self.former, **changed}
        return replace(self, entries=left, former=former, active={**others, token: own})

    def with_entries(self, entries: Mapping[str, Entry], doubtful: Collection[str] = ()) -> State:
        """Return the state with the entries of a build, and without those that are in doubt."""
        kept = {i: entry for i, entry in self.entries.items() if i not in doubtful}
        former = {i: entry for i, entry in self.former.items() if i not in entries}
        return replace(self, entries={**kept, **entries}, former=former)

    def without(self, tokens: Iterable[str]) -> State:
        """Return the state without builds that are known to be over."""
        gone = set(tokens)
        return replace(self, active={k: v for k, v in self.active.items() if k not in gone})


def to_text(state: State) -> str:
    """Return a state as text with its hash, so that an incomplete text is detected."""
    entries = {node_id: _fields(entry) for node_id, entry in state.entries.items()}
    former = {node_id: _fields(entry) for node_id, entry in state.former.items()}
    active = {token: asdict(each) for token, each in state.active.items()}
    content = {"subject": state.subject, "entries": entries, "former": former, "active": active}
    return to_hashed_text(FORMAT, content)


def from_text(text: str) -> State:
    """Return the state in a text.

    Raises:
        ValueError: The text is damaged, or in another format.
    """
    content = from_hashed_text(FORMAT, text)
    return State(
        content["subject"],
        {node_id: _entry(each) for node_id, each in content["entries"].items()},
        {token: _active(each) for token, each in content["active"].items()},
        {node_id: _entry(each) for node_id, each in content["former"].items()},
    )


def _fields(entry: Entry) -> dict[str, Any]:
    """Return an entry's fields; `asdict` would copy everything in them."""
    content = {name: getattr(entry, name) for name in _ENTRY}
    content["versions"] = [entry.versions.rows, entry.versions.columns]
    found = content.pop("relation")
    content["standing"] = found and [found.evidence, found.columns, found.rows]
    return content


def _active(content: dict[str, Any]) -> ActiveBuild:
    lists = {name: tuple(content[name]) for name in ("node_ids", "touched")}
    return ActiveBuild(**{**content, **lists})


def _entry(content: dict[str, Any]) -> Entry:
    content = {**content, "versions": Versions(*content["versions"])}
    if found := content.pop("standing"):
        evidence, columns, rows = found
        content["relation"] = RelationFacts(evidence, tuple(columns), rows)
    return Entry(**content)
