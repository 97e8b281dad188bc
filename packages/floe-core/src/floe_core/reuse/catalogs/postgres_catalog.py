"""PostgreSQL's catalog, and how its system columns show whether a table has changed.

Each version of a row has a place (`ctid`) and the transaction that wrote it (`xmin`). An insert,
update or delete changes the set of these, whichever transaction commits first; no other columns
are read. Statistics and commit timestamps are not used: the former come late and are lost in a
crash, the latter are off by default and do not show deletes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from floe_core.reuse.catalogs.catalog import STEADY_IN_ZONES, Catalog, Found
from floe_core.reuse.queries.functions import Functions
from floe_core.reuse.queries.parts import digest
from floe_core.sql.names import NAMES
from floe_core.warehouse.dialect import Relation, literal
from floe_core.warehouse.postgres_dialect import WHOLE_TYPE
from floe_core.warehouse.warehouse import Warehouse

# Bytes. All rows are scanned before each run.
LARGEST = 2**30
# Ordinary tables only: for a view, a foreign table or rows hidden by a policy, these columns mean
# nothing. After a restore, transactions are counted anew from that time.
_TABLE = (
    "select (select system_identifier from pg_catalog.pg_control_system())::text, "
    "(select timeline_id from pg_catalog.pg_control_checkpoint())::text "
    "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "join pg_catalog.pg_am a on a.oid = c.relam where c.relkind = 'r' and a.amname = 'heap' "
    "and not c.relrowsecurity and not c.relhassubclass "
    "and pg_catalog.pg_relation_size(c.oid) <= {largest} "
    "and n.nspname = {schema} and c.relname = {name}"
)
_MARK = "pg_catalog.hashtextextended(ctid::text || ' ' || xmin::text, 0)"


def version_by_row_marks(warehouse: Warehouse, relation: Relation) -> str:
    """Return a value that changes whenever a table's rows do, "" if its rows can't show it.

    Raises:
        EnvironmentProblemError: The warehouse refuses the query.
    """
    place = {"schema": literal(relation.schema), "name": literal(relation.name)}
    server = warehouse.rows(_TABLE.format(largest=LARGEST, **place))
    if not server:
        return ""
    dialect = warehouse.dialect
    marks = f"select count(*), {dialect.total(_MARK)} from {dialect.place(relation)}"
    return digest(server, warehouse.rows(marks))


_DEFINITIONS = (
    "select n.nspname, c.relname, case when c.relkind = 'v' then 'view' else 'table' end, "
    "case when c.relkind in ('v', 'm') then pg_catalog.pg_get_viewdef(c.oid) else '' end "
    "from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema'{only}"
)
_COLUMNS = (
    f"select n.nspname, c.relname, a.attname, {WHOLE_TYPE} "
    "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
    "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
    "where c.relkind in ('r', 'p', 'm') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema' "
    "and a.attnum > 0 and not a.attisdropped{only} order by 1, 2, a.attnum"
)
# Whether each function of a name is immutable, and whether each is PostgreSQL's or an immutable one
# of an extension, whose version is among the settings; one of a row is called like a column of it.
_FUNCTIONS = (
    "select lower(p.proname), bool_and(p.provolatile = 'i' and k.is_known), bool_and(k.is_known), "
    "bool_or(p.pronargs = 1 and t.typtype = 'c') "
    "from pg_catalog.pg_proc p cross join lateral (select (p.pronamespace = "
    "'pg_catalog'::regnamespace and p.oid < 16384) or (p.provolatile = 'i' and exists ("
    "select from pg_catalog.pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid "
    "and d.deptype = 'e')) as is_known) k "
    "left join pg_catalog.pg_type t on t.oid = p.proargtypes[0] group by 1"
)
_OWN_OPERATORS = (
    "select oprname from pg_catalog.pg_operator o where o.oid >= 16384 and not exists ("
    "select from pg_catalog.pg_depend d where d.classid = 'pg_operator'::regclass "
    "and d.objid = o.oid and d.deptype = 'e') order by 1 limit 1"
)
_OWN_FUNCTIONS = (
    "select n.nspname, p.proname, pg_catalog.pg_get_functiondef(p.oid) as text "
    "from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace "
    "where p.prokind in ('f', 'p', 'w') and n.nspname not like 'pg\\_%' "
    "and n.nspname <> 'information_schema' order by 1, 2, 3"
)
# What sessions begin with, by the server, the database, the role and the profile:
# https://www.postgresql.org/docs/current/runtime-config-client.html and -compatible.html
_PARAMETERS = (
    "select name, reset_val from pg_catalog.pg_settings where name in ('DateStyle', "
    "'IntervalStyle', 'TimeZone', 'array_nulls', 'backslash_quote', 'bytea_output', "
    "'default_text_search_config', 'extra_float_digits', 'gin_fuzzy_search_limit', "
    "'lc_monetary', 'lc_numeric', 'lc_time', 'search_path', 'standard_conforming_strings', "
    "'timezone_abbreviations', 'transform_null_equals', 'xmlbinary', 'xmloption')"
)
# The versions of the libraries that sort texts and of extensions; definitions of types, casts and
# collations.
_DEFINED = (
    "select 'database', (select string_agg(value, ' ' order by key) "
    "from jsonb_each_text(to_jsonb(d)) where key in ('datcollate', 'datctype', "
    "'datlocprovider', 'daticulocale', 'datlocale')) "
    "from pg_catalog.pg_database d where datname = current_database() "
    "union all select collname, pg_catalog.pg_collation_actual_version(oid) "
    "from pg_catalog.pg_collation where oid in (select min(oid) from pg_catalog.pg_collation "
    "where collversion is not null group by collprovider) "
    "union all select 'collation', (to_jsonb(c) - 'oid')::text from pg_catalog.pg_collation c "
    "where oid >= 16384 "
    "union all select 'extension ' || extname, extversion from pg_catalog.pg_extension "
    "union all select 'cast', concat_ws(' ', pg_catalog.format_type(castsource, null), "
    "pg_catalog.format_type(casttarget, null), castcontext, castmethod, "
    "case when castfunc <> 0 then pg_catalog.pg_get_functiondef(castfunc) end) "
    "from pg_catalog.pg_cast where oid >= 16384 "
    "union all select pg_catalog.format_type(oid, null), concat_ws(' ', typtype, "
    "pg_catalog.format_type(typbasetype, typtypmod), typnotnull, typcollation::regcollation, "
    "(select string_agg(enumlabel, ' ' order by enumsortorder) from pg_catalog.pg_enum "
    "where enumtypid = t.oid), (select string_agg(pg_catalog.pg_get_constraintdef(oid), ' ' "
    "order by oid) from pg_catalog.pg_constraint where contypid = t.oid)) "
    "from pg_catalog.pg_type t where typtype in ('d', 'e', 'r') and oid >= 16384"
)


class PostgresCatalog(Catalog):
    """One database; replacing a table drops its views."""

    names = NAMES["postgres"]
    lists_functions = False
    own_functions = _OWN_FUNCTIONS
    settings = f"{_PARAMETERS} union all {_DEFINED}"

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        only = _only(wanted)
        return self.read_relations(
            warehouse, _DEFINITIONS.format(only=only), _COLUMNS.format(only=only)
        )

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`."""
        steady, own = set(STEADY_IN_ZONES), set[str]()
        for name, is_steady, is_known, is_of_row in warehouse.rows(_FUNCTIONS):
            if is_steady:
                steady.add(name)
            if not is_known:
                own |= {name, f".{name}"} if is_of_row else {name}
        operators = [str(name) for (name,) in warehouse.rows(_OWN_OPERATORS)]
        return Functions(frozenset(steady), frozenset(own), "".join(operators))

    def version_of_rows(self, warehouse: Warehouse, relation: Relation) -> str:
        """See `Catalog.version_of_rows`."""
        return version_by_row_marks(warehouse, relation)


def _only(wanted: Sequence[Relation]) -> str:
    if len(wanted) != 1:
        return ""
    schema, name = literal(wanted[0].schema), literal(wanted[0].name)
    return f" and n.nspname = {schema} and c.relname = {name}"
