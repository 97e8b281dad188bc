"""What the last build of a node for a partition was, and how the store writes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from floe_core.storage.hashed_text import from_hashed_text, to_hashed_text

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


def merged(old: Records, new: Records) -> dict[str, dict[str, Record]]:
    """Return both; of two records of one partition, the later one.

    >>> one, two = (Record("done", str(n), 1, "", n, n) for n in (1, 2))
    >>> merged({"a": {"k": two}}, {"a": {"k": one, "l": one}})["a"]["k"].run_id
    '2'
    """
    found = {node_id: dict(by_key) for node_id, by_key in old.items()}
    for node_id, by_key in new.items():
        mine = found.setdefault(node_id, {})
        for key, record in by_key.items():
            if key not in mine or mine[key].ended <= record.ended:
                mine[key] = record
    return found


def to_text(records: Records) -> bytes:
    """Return records as a text in which each run and each hash is written once."""
    words: dict[str, int] = {}

    def number(word: str) -> int:
        return words.setdefault(word, len(words))

    content = {
        node_id: {
            key: [
                *(record.status == "done", number(record.run_id), record.attempt),
                *(number(record.code), record.started, record.ended, record.rows),
            ]
            for key, record in by_key.items()
        }
        for node_id, by_key in records.items()
    }
    return to_hashed_text(FORMAT, {"words": list(words), "nodes": content}).encode()


def from_text(text: bytes) -> dict[str, dict[str, Record]]:
    """Return the records in a text.

    Raises:
        ValueError: The text is damaged, or in another format.
    """
    content = from_hashed_text(FORMAT, text.decode())
    words: list[str] = content["words"]
    return {
        node_id: {key: _record(fields, words) for key, fields in by_key.items()}
        for node_id, by_key in content["nodes"].items()
    }


def _record(fields: list[Any], words: list[str]) -> Record:
    is_done, run, attempt, code, started, ended, rows = fields
    status: RecordStatus = "done" if is_done else "failed"
    return Record(status, words[run], attempt, words[code], started, ended, rows)


def count_records(records: Records) -> int:
    """Return the number of records."""
    return sum(map(len, records.values()))


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
