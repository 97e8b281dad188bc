"""Add the column lineage of a model to the event that tells of its end.

This is done by whoever sends events, never by a run: reading a model's SQL takes milliseconds. All
that it needs is in the event, in those before it, and in what was learnt from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from floe_core.lineage import facets
from floe_core.lineage.columns.derivation import DerivedColumns, derive
from floe_core.lineage.columns.origins import Origins
from floe_core.lineage.facets import SQL_CUT_SHORT, Json
from floe_core.lineage.known_columns import KnownColumns, columns_told


class ColumnLineage:
    """Tells which columns the columns of a product's tables come from."""

    def __init__(self, lineage_folder: Path) -> None:
        self._known = KnownColumns(lineage_folder / "columns")

    def added_to(self, event: Json) -> Json:
        """Return an event with the column lineage of what it says was made, if that can be told."""
        outputs = event["outputs"]
        if event["eventType"] != "COMPLETE" or len(outputs) != 1:
            return event
        derived = self._derived(event)
        self._learn(event, derived)
        facet = column_lineage_facet(derived, {each["name"]: each for each in event["inputs"]})
        if not facet:
            return event
        described = {**outputs[0].get("facets", {}), "columnLineage": facet}
        return {**event, "outputs": [{**outputs[0], "facets": described}]}

    def _derived(self, event: Json) -> DerivedColumns:
        sql = event["job"].get("facets", {}).get("sql", {})
        query = sql.get("query", "")
        if not query or query.endswith(SQL_CUT_SHORT):
            return DerivedColumns()
        tables = [self._known.table(each) for each in event["inputs"]]
        return derive(query, sql.get("dialect", ""), tables)

    def _learn(self, event: Json, derived: DerivedColumns) -> None:
        (made,) = event["outputs"]
        kind = event["job"].get("facets", {}).get("jobType", {}).get("jobType")
        # A snapshot has columns of its own beside those of its query.
        is_complete = derived.is_complete and kind != "SNAPSHOT"
        told = () if is_complete else columns_told(made)
        names = dict.fromkeys([*(name for name, _ in derived.columns), *told])
        if names:
            self._known.learn(made, tuple(names), is_complete=is_complete)


def column_lineage_facet(derived: DerivedColumns, inputs: Mapping[str, Json]) -> Json:
    """Return the facet of derived columns, {} where nothing is known; inputs go by their names."""
    fields = {
        name: {"inputFields": _input_fields(origins, inputs)}
        for name, origins in derived.columns
        if origins
    }
    effects = _input_fields(derived.effects, inputs)
    return facets.column_lineage(fields, effects) if fields or effects else {}


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
