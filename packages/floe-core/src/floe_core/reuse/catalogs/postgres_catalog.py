"""PostgreSQL's catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from floe_core.reuse.catalogs.catalog import Catalog, Found
from floe_core.reuse.catalogs.names import Names
from floe_core.reuse.catalogs.zoned_functions import STEADY_IN_ZONES
from floe_core.reuse.row_versions import version_by_row_marks
from floe_core.warehouse.connection import Warehouse
from floe_core.warehouse.dialect import Relation, literal

_DEFINITIONS = (
    "select n.nspname, c.relname, case when c.relkind = 'v' then 'view' else 'table' end, "
    "case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) else '' end "
    "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema'{only}"
)
_COLUMNS = (
    "select n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) "
    "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
    "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind in ('r', 'p', 'm') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema' "
    "and a.attnum > 0 and not a.attisdropped{only} order by 1, 2, a.attnum"
)
_FUNCTIONS = (
    "select p.proname, bool_and(p.provolatile = 'i' and p.pronamespace = "
    "'pg_catalog'::regnamespace) from pg_catalog.pg_proc p group by 1"
)
_OWN_FUNCTIONS = (
    "select n.nspname, p.proname, pg_catalog.pg_get_functiondef(p.oid) as text "
    "from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace "
    "where p.prokind in ('f', 'p', 'w') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema' order by 1, 2, 3"
)
# What sessions begin with, by the server, the database, the role and the profile:
# https://www.postgresql.org/docs/current/runtime-config-client.html and -compatible.html
_SETTINGS = (
    "select name, reset_val from pg_catalog.pg_settings where name in ('DateStyle', "
    "'IntervalStyle', 'TimeZone', 'array_nulls', 'backslash_quote', 'bytea_output', "
    "'default_text_search_config', 'extra_float_digits', 'gin_fuzzy_search_limit', "
    "'lc_monetary', 'lc_numeric', 'lc_time', 'search_path', 'standard_conforming_strings', "
    "'timezone_abbreviations', 'transform_null_equals', 'xmlbinary', 'xmloption')"
)


class PostgresCatalog(Catalog):
    """One database; replacing a table drops its views."""

    names = Names()
    lists_functions = False
    settings = _SETTINGS

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        only = _only(wanted)
        return self.read_relations(
            warehouse, _DEFINITIONS.format(only=only), _COLUMNS.format(only=only)
        )

    def steady_functions(self, warehouse: Warehouse) -> frozenset[str]:
        """See `Catalog.steady_functions`."""
        steady = {str(name).lower() for name, is_steady in warehouse.rows(_FUNCTIONS) if is_steady}
        return frozenset(steady | STEADY_IN_ZONES)

    def functions(self, warehouse: Warehouse) -> Mapping[Relation, str]:
        """See `Catalog.functions`."""
        return self.read_functions(warehouse, _OWN_FUNCTIONS)

    def version_of_rows(self, warehouse: Warehouse, relation: Relation) -> str:
        """See `Catalog.version_of_rows`."""
        return version_by_row_marks(warehouse, relation)


def _only(wanted: Sequence[Relation]) -> str:
    if len(wanted) != 1:
        return ""
    schema, name = literal(wanted[0].schema), literal(wanted[0].name)
    return f" and n.nspname = {schema} and c.relname = {name}"
