"""Snowflake's information schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.catalogs.catalog import TABLE, VIEW, Catalog, Found
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import digest
from floe_core.sql.names import NAMES, OF_WAREHOUSE
from floe_core.warehouse.dialect import Relation, literal
from floe_core.warehouse.warehouse import Warehouse
from floe_warehouses.snowflake.dialect import WHOLE_TYPE
from floe_warehouses.snowflake.functions import STEADY

# Other kinds are filled by Snowflake itself, or end with the session.
_TABLES = (
    "select table_schema, table_name from information_schema.tables "
    "where table_type = 'BASE TABLE' and table_schema in ({schemas})"
)
# A role without access to a view's definition gets none.
_VIEWS = (
    "select table_schema, table_name, coalesce(view_definition, '') "
    "from information_schema.views where table_schema in ({schemas})"
)
_COLUMNS = (
    f"select table_schema, table_name, column_name, {WHOLE_TYPE}, is_nullable, "
    "coalesce(column_default, '') from information_schema.columns "
    "where table_schema in ({schemas}) order by table_schema, table_name, ordinal_position"
)
# https://docs.snowflake.com/en/sql-reference/info-schema/tables: `last_ddl` changes with each
# `create`, `alter` and `undrop` of a table. Rows of the other kinds change without DML.
_ORDINARY_TABLE = (
    "select {created}, {last_ddl} from information_schema.tables "
    "where table_type = 'BASE TABLE' and is_dynamic = 'NO' and is_iceberg = 'NO' "
    "and is_hybrid = 'NO' and table_schema = {schema} and table_name = {name}"
)
_OWN_FUNCTIONS = "select function_name from information_schema.functions"
# https://docs.snowflake.com/en/sql-reference/parameters
_SETTINGS = frozenset(
    {
        *("BINARY_INPUT_FORMAT", "BINARY_OUTPUT_FORMAT", "DATE_INPUT_FORMAT", "DATE_OUTPUT_FORMAT"),
        *("DEFAULT_DDL_COLLATION", "DEFAULT_NULL_ORDERING", "GEOGRAPHY_OUTPUT_FORMAT"),
        *("GEOMETRY_OUTPUT_FORMAT", "JSON_INDENT", "QUOTED_IDENTIFIERS_IGNORE_CASE"),
        *("TIMESTAMP_INPUT_FORMAT", "TIMESTAMP_LTZ_OUTPUT_FORMAT", "TIMESTAMP_NTZ_OUTPUT_FORMAT"),
        *("TIMESTAMP_OUTPUT_FORMAT", "TIMESTAMP_TYPE_MAPPING", "TIMESTAMP_TZ_OUTPUT_FORMAT"),
        *("TIMEZONE", "TIME_INPUT_FORMAT", "TIME_OUTPUT_FORMAT", "TWO_DIGIT_CENTURY_START"),
        *("WEEK_OF_YEAR_POLICY", "WEEK_START"),
    }
)


class SnowflakeCatalog(Catalog):
    """Names are as dbt writes them without quotes; names that differ only in case are left out."""

    names = NAMES["snowflake"]
    varying_names = OF_WAREHOUSE["snowflake"]

    def version(self, warehouse: Warehouse) -> str:
        """See `Catalog.version`."""
        return str(warehouse.rows("select current_version()")[0][0])

    def settings_of_sessions(self, warehouse: Warehouse) -> str:
        """See `Catalog.settings_of_sessions`."""
        try:
            parameters = [map(str, row[:2]) for row in warehouse.rows("show parameters in session")]
        except EnvironmentProblemError:
            return ""
        return digest(sorted([name, value] for name, value in parameters if name in _SETTINGS))

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        schemas = sorted({self.key(relation).schema for relation in wanted})
        if not schemas:
            return {}
        where = {"schemas": ", ".join(map(literal, schemas))}
        columns: dict[Relation, list[tuple[str, ...]]] = {}
        for schema, table, *column in warehouse.rows(_COLUMNS.format(**where)):
            own = columns.setdefault(Relation(str(schema), str(table)), [])
            own.append(tuple(map(str, column)))
        found = {}
        for schema, name in warehouse.rows(_TABLES.format(**where)):
            place = Relation(str(schema), str(name))
            of_table = columns.get(place, [])
            named = tuple((name, kind) for name, kind, *_ in of_table)
            found[place] = Found(TABLE, str([rest for _, _, *rest in of_table]), named)
        for schema, name, text in warehouse.rows(_VIEWS.format(**where)):
            if text:
                found[Relation(str(schema), str(name))] = Found(VIEW, str(text))
        return _without_doubles(found)

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`: Snowflake's catalog lacks this, so they are listed."""
        try:
            own = frozenset(str(name).lower() for (name,) in warehouse.rows(_OWN_FUNCTIONS))
        except EnvironmentProblemError:  # Snowflake itself refuses functions with names of its own.
            own = frozenset()
        return Functions(STEADY, own)

    def version_of_rows(self, warehouse: Warehouse, relation: Relation) -> str:
        """See `Catalog.version_of_rows`: when the table was changed by DDL, and by DML.

        https://docs.snowflake.com/en/sql-reference/functions/system_last_change_commit_time
        """
        dialect, table = warehouse.dialect, self.key(relation)
        found = warehouse.rows(
            _ORDINARY_TABLE.format(
                created=dialect.exact("created"),
                last_ddl=dialect.exact("last_ddl"),
                schema=literal(table.schema),
                name=literal(table.name),
            )
        )
        if not found:
            return ""
        place = literal(dialect.place(relation))
        [(changed,)] = warehouse.rows(f"select system$last_change_commit_time({place})")
        return "" if changed is None else digest(found, str(changed))


def _without_doubles(found: Mapping[Relation, Found]) -> dict[Relation, Found]:
    """Leave out relations whose names are the same without quotes."""
    counts = Counter((each.schema.lower(), each.name.lower()) for each in found)
    return {
        place: each
        for place, each in found.items()
        if counts[(place.schema.lower(), place.name.lower())] == 1
    }
