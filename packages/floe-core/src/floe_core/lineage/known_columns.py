"""The columns that lineage has learnt of a product's tables, kept on disk between its processes."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path

from floe_core.lineage.columns.derivation import KnownTable
from floe_core.lineage.facets import Json


class KnownColumns:
    """The folder `.floe/lineage/columns` of a product: a small file a table.

    Written by whoever sends events, one at a time, in the order of the events. So a table's columns
    are there before an event of what reads it is looked at, and are the same if it is again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def table(self, dataset: Json) -> KnownTable:
        """Return what is known of a dataset: learnt before, or told by its schema facet."""
        told = columns_told(dataset)
        try:
            learnt = json.loads(self._file(dataset).read_text("utf-8"))
        except FileNotFoundError:
            return KnownTable(dataset["name"], told)
        columns = tuple(learnt["columns"])
        if learnt["is_complete"]:
            return KnownTable(dataset["name"], columns, is_complete=True)
        return KnownTable(dataset["name"], tuple(dict.fromkeys([*columns, *told])))

    def learn(self, dataset: Json, columns: tuple[str, ...], *, is_complete: bool) -> None:
        """Keep the columns of a dataset."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._file(dataset)
        unfinished = path.with_suffix(f".unfinished-{os.getpid()}")
        learnt = {"name": dataset["name"], "columns": columns, "is_complete": is_complete}
        unfinished.write_text(json.dumps(learnt, ensure_ascii=False), "utf-8")
        unfinished.replace(path)

    def _file(self, dataset: Json) -> Path:
        identity = f"{dataset['namespace']}\0{dataset['name']}".encode()
        return self._folder / f"{sha256(identity).hexdigest()[:32]}.json"


def columns_told(dataset: Json) -> tuple[str, ...]:
    """Return the columns that a dataset's schema facet names."""
    fields = dataset.get("facets", {}).get("schema", {}).get("fields", ())
    return tuple(field["name"] for field in fields)
