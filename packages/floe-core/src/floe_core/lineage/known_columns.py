"""Keep the columns of a product's tables that lineage has found, on disk between processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from floe_core.foundation.errors import FloeError
from floe_core.lineage.facets import UNKNOWN_TYPE, Json
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.storage.files import write_whole
from floe_core.storage.spooling.spool import read_json


class KnownColumns:
    """The folder `.floe/lineage/columns` of a product, with a small file for each table.

    The sending process writes it, one event at a time, in order. So a table's columns are known
    before an event of its readers is processed, and are the same if it is processed again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def table(self, dataset: Json) -> KnownTable:
        """Return the known columns of a dataset: those kept before and those in its facet."""
        in_schema = columns_of_schema(dataset)
        kept = self._read(dataset)
        if kept is None:
            return KnownTable(dataset["name"], in_schema)
        columns = tuple(kept["columns"])
        if kept["is_complete"]:
            return KnownTable(dataset["name"], columns, is_complete=True)
        return KnownTable(dataset["name"], tuple(dict.fromkeys([*columns, *in_schema])))

    def types(self, dataset: Json) -> dict[str, str]:
        """Return column -> type, as far as both are known of a dataset."""
        kept = self._read(dataset) or {}
        return {**types_of_schema(dataset), **kept.get("types", {})}

    def add(self, dataset: Json, types: Mapping[str, str], *, is_complete: bool) -> None:
        """Keep the columns of a dataset: name -> type, "" for an unknown type."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._file(dataset)
        content = {
            "name": dataset["name"],
            "columns": list(types),
            "types": {name: kind for name, kind in types.items() if kind and kind != UNKNOWN_TYPE},
            "is_complete": is_complete,
        }
        text = json.dumps(content, ensure_ascii=False)
        write_whole(path, text.encode(errors="replace"))

    def _read(self, dataset: Json) -> Json | None:
        try:
            content = read_json(self._file(dataset))
            return {
                "columns": [str(name) for name in content["columns"]],
                "types": dict(content.get("types", {})),
                "is_complete": bool(content["is_complete"]),
            }
        except (OSError, FloeError, ValueError, KeyError, TypeError, AttributeError):
            # A damaged file counts as missing: the next run finds the columns again.
            return None

    def _file(self, dataset: Json) -> Path:
        identity = f"{dataset['namespace']}\0{dataset['name']}".encode()
        return self._folder / f"{sha256(identity).hexdigest()[:32]}.json"


def columns_of_schema(dataset: Json) -> tuple[str, ...]:
    """Return the columns that a dataset's schema facet names."""
    return tuple(types_of_schema(dataset))


def types_of_schema(dataset: Json) -> dict[str, str]:
    """Return column -> type from a dataset's schema facet, "" for no type."""
    fields = dataset.get("facets", {}).get("schema", {}).get("fields", ())
    return {field["name"]: field.get("type", "") for field in fields}
