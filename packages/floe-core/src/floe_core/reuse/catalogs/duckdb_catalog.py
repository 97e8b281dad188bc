"""DuckDB's catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from floe_core.reuse.catalogs.catalog import STEADY_IN_ZONES, Catalog, Found
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import digest
from floe_core.sql.names import NAMES, OF_WAREHOUSE
from floe_core.warehouse.connection import PlainDuckDBFile
from floe_core.warehouse.dialect import Relation, literal, quote_name
from floe_core.warehouse.duckdb_dialect import OWN_TIME_ZONE
from floe_core.warehouse.warehouse import Warehouse

# Whole definitions: a table's columns with their constraints, or a view's query.
_DEFINITIONS = (
    "select schema_name, table_name, 'table', sql from duckdb_tables() "
    "where database_name = current_database(){only} union all "
    "select schema_name, view_name, 'view', sql from duckdb_views() "
    "where database_name = current_database() and not internal{only_view}"
)
_COLUMNS = (
    "select schema_name, table_name, column_name, data_type from duckdb_columns() "
    "where database_name = current_database(){only} order by 1, 2, column_index"
)
_FUNCTIONS = (
    "select system.main.lower(function_name), system.main.bool_and(internal and function_type in "
    "('scalar', 'aggregate', 'window', 'macro') and coalesce(stability, 'CONSISTENT') = "
    "'CONSISTENT'), system.main.string_agg(coalesce(macro_definition, ''), ' '), system.main."
    "bool_and(internal), system.main.bool_or(internal) from duckdb_functions() group by 1"
)
_OWN_TYPES = (
    "select database_name, schema_name, type_name from duckdb_types() where not internal "
    "order by all"
)
_SIGNATURES = (
    "select lower(function_name), parameter_types::varchar from duckdb_functions() where internal"
)
_EXTENSIONS = (
    "select install_path from duckdb_extensions() where loaded and install_path <> '(BUILT-IN)'"
)
_OWN_FUNCTIONS = (
    "select schema_name, function_name, concat_ws(' ', function_type, parameters::varchar, "
    "parameter_types::varchar, return_type, macro_definition) as text from duckdb_functions() "
    "where database_name = current_database() and not internal order by all"
)
_SETTINGS = (
    "select name, value from duckdb_settings() where name in ('Calendar', 'binary_as_string', "
    "'current_dialect', 'default_collation', 'default_null_order', 'default_order', "
    "'dialect_compatibility_mode', 'disable_timestamptz_casts', 'file_search_path', "
    "'ieee_floating_point_ops', 'integer_division', 'lambda_syntax', 'old_implicit_casting', "
    "'order_by_non_integer_literal', 'preserve_identifier_case', 'preserve_insertion_order', "
    "'scalar_subquery_error_on_multiple_rows') "
    f"union all select 'TimeZone', {OWN_TIME_ZONE}"
)
_VARYING_MACRO = re.compile(r"now\(|current_|random|uuid|setting|session|user|nextval|today")


class DuckDBCatalog(Catalog):
    """One file; a view that reads a table stays when the table is replaced."""

    names = NAMES["duckdb"]
    varying_names = OF_WAREHOUSE["duckdb"]
    keeps_views = True
    # To hash a small table, DuckDB takes longer to optimize the query than to run it.
    quick = ("pragma disable_optimizer", "pragma enable_optimizer")
    lists_functions = False
    has_whole_types = False
    own_functions = _OWN_FUNCTIONS
    settings = _SETTINGS

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        only, only_view = _only(wanted, "table_name"), _only(wanted, "view_name")
        definitions = _DEFINITIONS.format(only=only, only_view=only_view)
        return self.read_relations(warehouse, definitions, _COLUMNS.format(only=only))

    def settings_of_sessions(self, warehouse: Warehouse) -> str:
        """See `Catalog.settings_of_sessions`; with the definitions of types."""
        names = [".".join(map(quote_name, row)) for row in warehouse.rows(_OWN_TYPES)]
        kinds = [f"typeof(null::{name})" for name in names]
        of_types = warehouse.rows(f"select {', '.join(kinds)}") if kinds else []
        return digest(super().settings_of_sessions(warehouse), names, of_types)

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`; operators, lists and more call built-in functions by name."""
        steady, own, replacing = set[str](), _registered_functions(warehouse), set[str]()
        for name, is_steady, macro, is_internal, replaces in warehouse.rows(_FUNCTIONS):
            if is_steady and not _VARYING_MACRO.search(str(macro).lower()):
                steady.add(name)
            if not is_internal:
                own.add(name)
                replacing |= {name} if replaces else set()
        steady |= STEADY_IN_ZONES
        return Functions(frozenset(steady), frozenset(own), min(replacing, default=""))


def _registered_functions(warehouse: Warehouse) -> set[str]:
    """Return the functions in Python, which DuckDB lists as its own; plugins register them."""
    if isinstance(warehouse, PlainDuckDBFile):
        return set()
    from duckdb import Error, connect

    with connect() as plain:
        for (path,) in warehouse.rows(_EXTENSIONS):
            with suppress(Error):
                plain.execute(f"load {literal(str(path))}")
        known = set(plain.execute(_SIGNATURES).fetchall())
    return {name for name, *rest in warehouse.rows(_SIGNATURES) if (name, *rest) not in known}


def _only(wanted: Sequence[Relation], name: str) -> str:
    if len(wanted) != 1:
        return ""
    schema, table = literal(wanted[0].schema), literal(wanted[0].name)
    return f" and lower(schema_name) = lower({schema}) and lower({name}) = lower({table})"
