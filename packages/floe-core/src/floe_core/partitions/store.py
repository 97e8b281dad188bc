"""The store of the states of partitions: in the state folder, a folder, a URL, or PostgreSQL.

Each product has an index, which names the declarations that it has had and their shards, and a text
for each shard. States are those of a length and a time zone: under another declaration they stay,
and count for nothing until it is declared again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.partitions.statuses import (
    NodeRecords,
    Records,
    add_text,
    merged,
    shards_of,
    to_text,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.partitions import Partitions
from floe_core.storage.environment_choice import name_in_environment
from floe_core.storage.shared_lease import SharedLease
from floe_core.storage.shared_text import FileText, SharedText, shared_text
from floe_core.storage.state_folder import place_below, state_folder

STORE_VARIABLE = "FLOE_PARTITION_STORE"
FOLDER = "partitions"
Index = dict[str, list[str]]


class PartitionStore:
    """The states of one product in one environment; `text` returns the text of a name."""

    def __init__(self, name: str, text: Callable[[str], SharedText]) -> None:
        self._name = name
        self._text = text

    @property
    def place(self) -> str:
        """Where the states are, for messages, without secrets."""
        return self._index.place

    def declarations(self) -> tuple[str, ...]:
        """Return the names of all declarations that have states, sorted.

        Raises:
            EnvironmentProblemError: The store cannot be read.
        """
        return tuple(sorted(_index_in(self._index.read(), self.place)))

    def read(self, declaration: Partitions) -> dict[str, NodeRecords]:
        """Return node id -> key -> record.

        Raises:
            EnvironmentProblemError: The store cannot be read, or is damaged.
        """
        name = name_of(declaration)
        shards = _index_in(self._index.read(), self.place).get(name, [])
        found: dict[str, NodeRecords] = {}
        for shard in shards:
            text = self._shard(name, shard)
            _add_to(found, text.read(), text.place)
        return found

    def write(self, declaration: Partitions, records: Records) -> None:
        """Add records; concurrent writers lose nothing.

        Raises:
            EnvironmentProblemError: The store cannot be written.
        """
        name = name_of(declaration)
        keys = {key for by_key in records.values() for key in by_key}
        shards = shards_of(declaration.by, sorted(keys))
        self._note(name, shards)
        for shard, its_keys in shards.items():
            mine = {
                node_id: {key: each for key, each in by_key.items() if key in its_keys}
                for node_id, by_key in records.items()
            }
            text = self._shard(name, shard)
            text.change(lambda old, mine=mine, text=text: _add(old, mine, text.place))  # type: ignore[misc]

    @property
    def _index(self) -> SharedText:
        return self._text(self._name)

    def _shard(self, declaration: str, shard: str) -> SharedText:
        return self._text(f"{self._name}.{declaration}.{shard}")

    def _note(self, declaration: str, shards: Iterable[str]) -> None:
        """Note the shards in the index before they are written."""
        known = _index_in(self._index.read(), self.place).get(declaration, [])
        if {*shards} <= {*known}:
            return

        def changed(old: bytes | None) -> bytes:
            index = _index_in(old, self.place)
            index[declaration] = sorted({*index.get(declaration, []), *shards})
            return json.dumps(index, sort_keys=True).encode()

        self._index.change(changed)


def store_of(artifacts: CompiledArtifacts) -> PartitionStore:
    """Return the store of a product in its environment.

    `$FLOE_PARTITION_STORE` is a folder, an fsspec URL or a PostgreSQL database that products share;
    without it, the states are beside the product's runs.

    Raises:
        UsageError: The artifacts come from no folder.
    """
    name, shared = _name(artifacts), os.environ.get(STORE_VARIABLE)
    if shared:
        return PartitionStore(name, lambda text: shared_text(shared, text))
    own = place_below(state_folder(artifacts.folder), FOLDER)
    return PartitionStore(name, lambda text: FileText(own / f"{text}.json"))


def lease_of(artifacts: CompiledArtifacts, holder: str) -> SharedLease | None:
    """Return the lease of the build of a product's partitions, None if the store is not shared."""
    place = os.environ.get(STORE_VARIABLE)
    if not place:
        return None
    return SharedLease(shared_text(place, f"{_name(artifacts)}.build"), holder)


def _name(artifacts: CompiledArtifacts) -> str:
    return f"{name_in_environment(artifacts.product.name, artifacts.environment)}.partitions"


def name_of(declaration: Partitions) -> str:
    """Return the name of a declaration's states: they are of its length and its time zone.

    >>> name_of(Partitions(by="day", start="2026-11-01", timezone="Europe/Berlin"))
    'day-Europe-Berlin'
    """
    return f"{declaration.by}-{declaration.timezone.replace('/', '-')}"


def _add(old: bytes | None, records: Records, place: str) -> bytes:
    found: dict[str, NodeRecords] = {}
    _add_to(found, old, place)
    return to_text(merged(found, records))


def _add_to(found: dict[str, NodeRecords], text: bytes | None, place: str) -> None:
    try:
        if text is not None:
            add_text(text, found)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _damaged(place, error) from None


def _index_in(text: bytes | None, place: str) -> Index:
    try:
        index = {} if text is None else json.loads(text)
        return {str(name): [str(each) for each in shards] for name, shards in index.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(place, error) from None


def _damaged(place: str, error: Exception) -> EnvironmentProblemError:
    return EnvironmentProblemError(
        f"{place}: the states of partitions are damaged ({error}); remove it, and the partitions "
        "are missing until they are built again"
    )
