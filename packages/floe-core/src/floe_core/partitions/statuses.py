"""What the last build of a node for a partition was, and the status that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.storage.files import from_hashed_text, to_hashed_text

FORMAT = 1
RecordStatus = Literal["done", "failed"]


class Record(NamedTuple):
    """The last build of a node for one partition; times are seconds since 1970.

    `code` is the hash of the node's code then; `rows` is None if they were not counted.
    """

    status: RecordStatus
    run_id: str
    attempt: int
    code: str
    started: float
    ended: float
    rows: int | None = None


# node id -> key -> record
Records = Mapping[str, Mapping[str, Record]]
# Whether it is done, the hash of its code, when it started and when it ended.
Brief = tuple[bool, str, float, float]
_COLUMNS = ("done", "run", "attempt", "code", "started", "ended", "rows")


class NodeRecords(Mapping[str, Record]):
    """The records of one node, kept in columns: a grid needs few of them, of many partitions."""

    def __init__(self) -> None:
        self._briefs: dict[str, Brief] = {}
        self._others: dict[str, tuple[str, int, int | None]] = {}

    def add(self, keys: Sequence[str], columns: Mapping[str, list[Any]], words: list[str]) -> None:
        """Add the columns of a text, for these keys; runs and codes are numbers of words."""
        done, run, attempt, code, started, ended, rows = (columns[name] for name in _COLUMNS)
        word = words.__getitem__
        briefs = zip(map(bool, done), map(word, code), started, ended, strict=True)
        self._briefs.update(zip(keys, briefs, strict=True))
        self._others.update(zip(keys, zip(map(word, run), attempt, rows, strict=True), strict=True))

    @property
    def briefs(self) -> Mapping[str, Brief]:
        """Key -> what decides how the partition stands."""
        return self._briefs

    def __getitem__(self, key: str) -> Record:
        is_done, code, started, ended = self._briefs[key]
        run_id, attempt, rows = self._others[key]
        return Record("done" if is_done else "failed", run_id, attempt, code, started, ended, rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._briefs)

    def __len__(self) -> int:
        return len(self._briefs)


def briefs_of(records: Mapping[str, Record]) -> Mapping[str, Brief]:
    """Return key -> what decides how the partition stands."""
    if isinstance(records, NodeRecords):
        return records.briefs
    return {k: (r.status == "done", r.code, r.started, r.ended) for k, r in records.items()}


def merged(old: Records, new: Records) -> dict[str, Mapping[str, Record]]:
    """Return both; of two records of one partition, the later one.

    >>> one, two = (Record("done", str(n), 1, "", n, n) for n in (1, 2))
    >>> merged({"a": {"k": two}}, {"a": {"k": one, "l": one}})["a"]["k"].run_id
    '2'
    """
    found = dict(old)
    for node_id, by_key in new.items():
        mine = dict(old.get(node_id, {}))
        for key, record in by_key.items():
            if key not in mine or mine[key].ended <= record.ended:
                mine[key] = record
        found[node_id] = mine
    return found


def to_text(records: Records) -> bytes:
    """Return records as a text with a list for each field; each run and hash is written once."""
    words: dict[str, int] = {}
    keys = sorted({key for by_key in records.values() for key in by_key})
    nodes = {node_id: _columns(by_key, keys, words) for node_id, by_key in records.items()}
    return to_hashed_text(FORMAT, {"words": list(words), "keys": keys, "nodes": nodes}).encode()


def _columns(
    by_key: Mapping[str, Record], keys: Sequence[str], words: dict[str, int]
) -> dict[str, Any]:
    """Return the fields of a node's records, and which of the keys they are for; "" for all."""
    has = "".join("1" if key in by_key else "0" for key in keys)
    rows = [
        (
            *(int(record.status == "done"), words.setdefault(record.run_id, len(words))),
            *(record.attempt, words.setdefault(record.code, len(words))),
            *(round(record.started, 3), round(record.ended, 3), record.rows),
        )
        for key in keys
        if (record := by_key.get(key)) is not None
    ]
    fields = map(list, zip(*rows, strict=True)) if rows else ([] for _ in _COLUMNS)
    return {"has": has if "0" in has else "", **dict(zip(_COLUMNS, fields, strict=True))}


def add_text(text: bytes, found: dict[str, NodeRecords]) -> None:
    """Add the records in a text to those found.

    Raises:
        ValueError: The text is damaged, or in another format.
    """
    content = from_hashed_text(FORMAT, text.decode())
    words, keys = content["words"], content["keys"]
    for node_id, columns in content["nodes"].items():
        has = columns["has"]
        mine = [key for key, flag in zip(keys, has, strict=True) if flag == "1"] if has else keys
        found.setdefault(node_id, NodeRecords()).add(mine, columns, words)


def shards_of(by: str, keys: Iterable[str]) -> dict[str, set[str]]:
    """Return shard -> its keys: a year or, for hours, a month has a text of its own.

    >>> shards_of("day", ["2026-11-03", "2027-01-01"])
    {'2026': {'2026-11-03'}, '2027': {'2027-01-01'}}
    """
    length = 7 if by == "hour" else 4
    found: dict[str, set[str]] = {}
    for key in keys:
        found.setdefault(key[:length], set()).add(key)
    return found


PartitionStatus = Literal["done", "failed", "missing", "stale"]
STATUSES: tuple[PartitionStatus, ...] = ("done", "failed", "missing", "stale")


def statuses_of(
    artifacts: CompiledArtifacts,
    records: Records,
    node_ids: Iterable[str],
    keys: Sequence[str],
    stale: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, list[PartitionStatus]]:
    """Return node id -> the status of each partition, in the order of `keys`.

    A partition is stale if the node's code has changed since, or if a partitioned node that it
    reads was built for the same partition after its build had begun, or if it is among `stale`,
    node id -> keys, because of the product's ports.
    """
    briefs = {node_id: briefs_of(by_key) for node_id, by_key in records.items()}
    found = {}
    for node_id, code in codes_of(artifacts, node_ids).items():
        above = [briefs[i] for i in artifacts.by_id[node_id].depends_on if i in briefs]
        mine = briefs.get(node_id, {})
        of_node = [_status(mine.get(key), code, key, above) for key in keys]
        if by_ports := stale.get(node_id):
            pairs = zip(keys, of_node, strict=True)
            of_node = ["stale" if s == "done" and key in by_ports else s for key, s in pairs]
        found[node_id] = of_node
    return found


def _status(
    brief: Brief | None, code: str, key: str, above: Sequence[Mapping[str, Brief]]
) -> PartitionStatus:
    if brief is None:
        return "missing"
    is_done, built_from, started, _ = brief
    if not is_done:
        return "failed"
    if built_from != code:
        return "stale"
    for briefs in above:
        other = briefs.get(key)
        if other is not None and other[0] and other[3] > started:
            return "stale"
    return "done"


def worst(found: Iterable[PartitionStatus]) -> PartitionStatus:
    """Return what to say of a partition of which several nodes are built.

    >>> worst(["done", "stale", "missing"])
    'missing'
    """
    order: tuple[PartitionStatus, ...] = ("failed", "missing", "stale", "done")
    present = set(found)
    return next((each for each in order if each in present), "missing")


def codes_of(artifacts: CompiledArtifacts, node_ids: Iterable[str]) -> dict[str, str]:
    """Return node id -> a hash of its code, and of that of the views that it reads.

    A view has no rows of its own: what it shows changes with its code, like an ephemeral model.
    """
    return {node_id: _code_of(artifacts, node_id) for node_id in node_ids}


def _code_of(artifacts: CompiledArtifacts, node_id: str) -> str:
    found, frontier = {node_id}, [node_id]
    while frontier:
        above = artifacts.by_id[frontier.pop()].depends_on
        views = {i for i in above if artifacts.by_id[i].materialization == "view"} - found
        found |= views
        frontier += views
    nodes = [artifacts.by_id[each] for each in sorted(found)]
    text = " ".join(
        f"{node.checksum} {node.macros_hash} {node.reuse.build or node.config_hash}"
        for node in nodes
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]
