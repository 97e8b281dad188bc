"""Add the column lineage of a model to the event of its end.

The sending process does this, never a run: parsing a model's SQL takes milliseconds. Everything
needed is in the event, in earlier events, and in the columns kept from those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from floe_core.foundation.errors import FloeError
from floe_core.lineage import facets
from floe_core.lineage.facets import SQL_CUT_SHORT, UNKNOWN_TYPE, Json
from floe_core.lineage.sending.delivery import has_whole_schema, sources_of
from floe_core.sql.columns.known_tables import KnownTable
from floe_core.sql.columns.origins import DIRECT, IDENTITY, Origins
from floe_core.sql.query_columns import DerivedColumns, derive
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


class ColumnLineage:
    """Finds the columns that the columns of a product's tables come from."""

    def __init__(self, lineage_folder: Path) -> None:
        self._known = KnownColumns(lineage_folder / "columns")

    def add_to(self, event: Json) -> Json:
        """Return an event with the column lineage of its output, if that can be determined.

        Every field of the column lineage is in a schema facet of the same event: missing ones are
        added.
        """
        outputs = event["outputs"]
        if event["eventType"] != "COMPLETE" or len(outputs) != 1:
            return event
        derived = self._derive(event)
        if has_whole_schema(event):
            derived = _only_built(derived, columns_of_schema(outputs[0]))
        made = self._with_schema(event, derived)
        self._add_columns(event, made, derived)
        facet = column_lineage_facet(derived, {each["name"]: each for each in event["inputs"]})
        if not facet:
            return event
        described = {**made.get("facets", {}), "columnLineage": facet}
        inputs = [
            self._with_fields(each, _fields_read(derived, each["name"]))
            if each["name"] in sources_of(event)
            else each
            for each in event["inputs"]
        ]
        return {**event, "inputs": inputs, "outputs": [{**made, "facets": described}]}

    def _derive(self, event: Json) -> DerivedColumns:
        sql = event["job"].get("facets", {}).get("sql", {})
        query = sql.get("query", "")
        if not query or query.endswith(SQL_CUT_SHORT):
            return DerivedColumns()
        tables = [self._known.table(each) for each in event["inputs"]]
        return derive(query, sql.get("dialect", ""), tables)

    def _with_schema(self, event: Json, derived: DerivedColumns) -> Json:
        """Return the output with the columns that are known from the SQL."""
        made: Json = event["outputs"][0]
        if has_whole_schema(event) or not derived.columns:
            return made
        inputs = {each["name"]: each for each in event["inputs"]}
        types = {name: self._type_of(origins, inputs) for name, origins in derived.columns}
        return _with_fields(made, types)

    def _type_of(self, origins: Origins, inputs: Mapping[str, Json]) -> str:
        """Return the type of a column that is passed on unchanged."""
        if len(origins) == 1:
            ((origin, steps),) = origins.items()
            if steps == {(DIRECT, IDENTITY)}:
                return self._known.types(inputs[origin.table]).get(origin.column, UNKNOWN_TYPE)
        return UNKNOWN_TYPE

    def _with_fields(self, source: Json, read: Iterable[str]) -> Json:
        """Return a source with the columns that have been read from it, now or before."""
        columns = dict.fromkeys([*self._known.table(source).columns, *read])
        types = {name: self._known.types(source).get(name, UNKNOWN_TYPE) for name in columns}
        self._known.add(source, types, is_complete=False)
        return _with_fields(source, types)

    def _add_columns(self, event: Json, made: Json, derived: DerivedColumns) -> None:
        kind = event["job"].get("facets", {}).get("jobType", {}).get("jobType")
        # A snapshot has further columns of its own besides those of its query.
        is_derived = derived.is_complete and kind != "SNAPSHOT"
        types = types_of_schema(made)
        if is_derived and not has_whole_schema(event):
            types = {name: types.get(name, "") for name, _ in derived.columns}
        if types:
            is_complete = is_derived or has_whole_schema(event)
            self._known.add(made, types, is_complete=is_complete)


def column_lineage_facet(derived: DerivedColumns, inputs: Mapping[str, Json]) -> Json:
    """Return the facet of derived columns, {} if nothing is known; `inputs` are keyed by name."""
    fields = {
        name: {"inputFields": _input_fields(origins, inputs)}
        for name, origins in derived.columns
        if origins
    }
    effects = _input_fields(derived.effects, inputs)
    return facets.column_lineage(fields, effects) if fields or effects else {}


def _only_built(derived: DerivedColumns, built: tuple[str, ...]) -> DerivedColumns:
    """Return the derived columns that were built, spelled as in the warehouse.

    They may differ from the SQL for an incremental model that does not follow changes of its SQL.
    """
    exact, folded = set(built), {name.lower(): name for name in built}
    columns = tuple(
        (name if name in exact else folded[name.lower()], origins)
        for name, origins in derived.columns
        if name in exact or name.lower() in folded
    )
    return DerivedColumns(columns, derived.effects, is_complete=False)


def _with_fields(dataset: Json, types: Mapping[str, str]) -> Json:
    """Return a dataset whose schema has these columns (name -> type), after those it names."""
    existing = dataset.get("facets", {}).get("schema", {}).get("fields", [])
    named = {field["name"]: field for field in existing}
    fields = [
        _with_type(named[name], kind) if name in named else {"name": name, "type": kind}
        for name, kind in types.items()
    ]
    fields += [field for name, field in named.items() if name not in types]
    return {**dataset, "facets": {**dataset.get("facets", {}), "schema": facets.schema(fields)}}


def _with_type(field: Json, kind: str) -> Json:
    return {**field, "type": kind} if field.get("type") in (None, UNKNOWN_TYPE) else field


def _fields_read(derived: DerivedColumns, table: str) -> Iterator[str]:
    for origins in (*(each for _, each in derived.columns), derived.effects):
        yield from (origin.column for origin in origins if origin.table == table)


def _input_fields(origins: Origins, inputs: Mapping[str, Json]) -> list[Json]:
    return [
        {
            "namespace": inputs[origin.table]["namespace"],
            "name": origin.table,
            "field": origin.column,
            "transformations": [
                {"type": kind, "subtype": subtype} if subtype else {"type": kind}
                for kind, subtype in sorted(origins[origin])
            ],
        }
        for origin in sorted(origins)
    ]
