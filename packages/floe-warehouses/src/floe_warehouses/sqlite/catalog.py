"""SQLite's catalog: a table of definitions in each file that is attached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import TokenType

from floe_core.reuse.catalogs.catalog import Catalog, Found
from floe_core.reuse.queries.functions import Call, Functions
from floe_core.sql.names import NAMES, OF_WAREHOUSE
from floe_core.warehouse.dialect import Relation, literal, quote_name
from floe_core.warehouse.warehouse import Warehouse

_DEFINITIONS = (
    "select {schema}, name, type, sql from {file}.sqlite_master "
    "where type in ('table', 'view') and name not like 'sqlite\\_%' escape '\\'"
)
_COLUMNS = (
    "select {schema}, m.name, c.name, c.type from {file}.sqlite_master m, "
    "pragma_table_info(m.name, {schema}) c where m.type = 'table' order by m.name, c.cid"
)
# SQLITE_DETERMINISTIC (sqlite.org/c3ref/c_deterministic.html), which aggregates don't have. One
# row that is not built in is enough to exclude: a connection may replace built-in functions.
_FUNCTIONS = (
    "select name, min(builtin), min(flags & 2048), max(type in ('a', 'w')) "
    "from pragma_function_list group by name"
)
# sqlite.org/lang_aggfunc.html and windowfunctions.html
_AGGREGATES = frozenset(
    {
        *("avg", "count", "group_concat", "max", "median", "min", "percentile", "percentile_cont"),
        *("percentile_disc", "string_agg", "sum", "total", "cume_dist", "dense_rank"),
        *("first_value", "lag", "last_value", "lead", "nth_value", "ntile", "percent_rank", "rank"),
        *("row_number",),
    }
)
# Name -> the index of the time in its arguments. A time that is left out means now
# (sqlite.org/lang_datefunc.html).
_DATES = {"date": 0, "time": 0, "datetime": 0, "julianday": 0, "unixepoch": 0, "strftime": 1}
_OF_THE_MOMENT = frozenset({"now", "localtime", "utc"})


class SQLiteCatalog(Catalog):
    """Its schemas are files, and dbt-sqlite's database is only a name."""

    names = NAMES["sqlite"]
    has_bare_columns = True
    has_whole_types = False
    varying_names = OF_WAREHOUSE["sqlite"]

    def holds(self, warehouse: Warehouse, database: str) -> bool:
        """See `Catalog.holds`."""
        return True

    def version(self, warehouse: Warehouse) -> str:
        """See `Catalog.version`."""
        return str(warehouse.rows("select sqlite_version()")[0][0])

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`."""
        attached = {
            str(name) for (name,) in warehouse.rows("select name from pragma_database_list")
        }
        schemas = {self.key(relation).schema for relation in wanted}
        found: dict[Relation, Found] = {}
        for schema in sorted(name for name in attached if name.lower() in schemas):
            place = {"schema": literal(schema), "file": quote_name(schema)}
            found |= self.read_relations(
                warehouse, _DEFINITIONS.format(**place), _COLUMNS.format(**place)
            )
        return found

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`."""
        found = warehouse.rows(_FUNCTIONS)
        steady = (
            str(name).lower()
            for name, is_builtin, is_steady, adds_up in found
            if is_builtin and (is_steady or (adds_up and name in _AGGREGATES))
        )
        own = (str(name).lower() for name, is_builtin, *_ in found if not is_builtin)
        return Functions(frozenset(steady), frozenset(own))

    def is_varying(self, call: Call) -> bool:
        """See `Catalog.is_varying`: date functions without a time, or with the local time."""
        if call.name == "timediff" or call.name in _DATES:
            texts = {t.text.lower() for t in call.tokens if t.token_type == TokenType.STRING}
            first = _DATES.get(call.name, 0)
            modifiers = call.arguments[first + 1 :] if call.name in _DATES else ()
            are_literals = all(
                len(m) == 1 and m[0].token_type == TokenType.STRING for m in modifiers
            )
            return len(call.arguments) <= first or not are_literals or bool(texts & _OF_THE_MOMENT)
        return False
