"""Spark's catalog, read relation by relation: there is no table of all relations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.catalogs.catalog import TABLE, VIEW, Catalog, Found
from floe_core.reuse.queries.functions import Call, Functions
from floe_core.reuse.queries.parts import digest
from floe_core.sql.names import NAMES, OF_WAREHOUSE
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.warehouse import Warehouse
from floe_warehouses.spark.dialect import read_columns
from floe_warehouses.spark.functions import STEADY

_OWN_FUNCTIONS = "show user functions"
# The metastore's own timestamp of a relation's creation.
_WHEN_MADE = re.compile(r",?\s*'transient_lastDdlTime' = '\d+'")
# A catalog in a file system numbers its files, so a table that is created again has the same names.
_METADATA_FILES = (
    "select file, unix_micros(timestamp), latest_snapshot_id from {place}.metadata_log_entries "
    "order by 1, 2, 3"
)
# https://docs.delta.io/latest/delta-utility.html: format and id of the table; version and time of
# its last commit. A table that is created again has another id.
_DELTA = ("describe detail {place}", "describe history {place} limit 1")


class SparkCatalog(Catalog):
    """A metastore; the adapter has no databases above schemas."""

    names = NAMES["spark"]
    # During a run, the session is dbt's, with dbt's time zone.
    is_read_in_run = False
    # Where a row is stored: of any file, and of an Iceberg table.
    varying_names = OF_WAREHOUSE["spark"]

    def holds(self, warehouse: Warehouse, database: str) -> bool:
        """See `Catalog.holds`."""
        return not database

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        schemas = {str(row[0]).lower() for row in warehouse.rows("show schemas")}
        found: dict[Relation, Found] = {}
        for schema in sorted({self.key(each).schema for each in wanted} & schemas):
            place = warehouse.dialect.quote_name(schema)
            views = _names_in(warehouse, f"show views in {place}")
            for name in _names_in(warehouse, f"show tables in {place}"):
                relation = Relation(schema, name)
                if any(self.key(each) == relation for each in wanted):
                    # A relation that Spark can't show is not known.
                    with suppress(EnvironmentProblemError):
                        found[relation] = _find(warehouse, relation, is_view=name in views)
        return found

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`: Spark's catalog lacks this, so they are listed."""
        own = (
            str(name).lower().rpartition(".")[2] for (name, *_) in warehouse.rows(_OWN_FUNCTIONS)
        )
        return Functions(STEADY, frozenset(own))

    def version_of_rows(self, warehouse: Warehouse, relation: Relation) -> str:
        """See `Catalog.version_of_rows`: metadata of the table formats that record each commit.

        Each commit to an Iceberg table writes a file, with new columns too
        (`write.metadata.previous-versions-max` says how many the table lists, but the current one
        is always among them). Each commit to a Delta table has a version.
        """
        place = warehouse.dialect.place(relation)
        details = {row[0]: row[1] for row in warehouse.rows(f"describe table extended {place}")}
        match str(details.get("Provider", "")).lower():
            case "iceberg":
                return digest(warehouse.rows(_METADATA_FILES.format(place=place)))
            case "delta":
                table, commit = (warehouse.rows(query.format(place=place)) for query in _DELTA)
                return digest(table[0][:2], commit[0][:2]) if table and commit else ""
        return ""

    def is_varying(self, call: Call) -> bool:
        """See `Catalog.is_varying`: without an argument, the time is that of the query."""
        return call.name in ("unix_timestamp", "to_unix_timestamp") and not call.arguments


def _names_in(warehouse: Warehouse, query: str) -> set[str]:
    """Return the names of relations that do not belong to a session."""
    rows = warehouse.rows(query)
    return {str(name).lower() for _, name, is_temporary in rows if not is_temporary}


def _find(warehouse: Warehouse, relation: Relation, *, is_view: bool) -> Found:
    place = warehouse.dialect.place(relation)
    text = _WHEN_MADE.sub("", str(warehouse.rows(f"show create table {place}")[0][0]))
    if is_view:
        return Found(VIEW, text)
    return Found(TABLE, text, tuple(read_columns(warehouse.rows, relation)))
