"""The interface through which planning a build reads one kind of warehouse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from floe_core.foundation.entry_points import InstalledParts
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.reuse.queries.functions import Call, Functions
from floe_core.reuse.queries.parts import digest
from floe_core.sql.names import Names, names_of
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.warehouse import Warehouse

TABLE: Literal["table"] = "table"
VIEW: Literal["view"] = "view"

# Functions of values with a time zone, which warehouses call steady only within a query.
STEADY_IN_ZONES = frozenset(
    {
        *("century", "concat", "concat_ws", "date_part", "datepart", "datesub", "dayname"),
        *("decade", "era", "format", "isodow", "isoyear", "julian", "millennium", "monthname"),
        *("time_bucket", "to_char", "to_date", "weekday", "weekofyear", "yearweek"),
    }
)


@dataclass(frozen=True, slots=True)
class Found:
    """An existing relation.

    `text` is its whole definition, as far as the catalog has one. `columns` are those of a table,
    with their full types, in order.
    """

    kind: Literal["table", "view"]
    text: str
    columns: tuple[tuple[str, str], ...] = ()


class Catalog(ABC):
    """Reads one kind of warehouse; uncertain results are left out.

    `keeps_views` is whether the views of a table stay when dbt replaces the table. `quick` are
    statements to run before and after small queries. `is_read_in_run` is whether another session
    can read tables while dbt runs. `lists_functions` is whether each call in a query must be of a
    function that is listed here: sqlglot's own knowledge of functions is not enough then.
    `has_bare_columns` is whether a grouped query may have columns that are neither grouped by nor
    aggregated. `varying_names` are words without parentheses whose value varies, or that show where
    a row is stored. `separates_columns` is whether a query's columns are known one by one.
    `has_whole_types` is whether types include collations; definitions show them otherwise.
    `settings` is a query for the settings of dbt's sessions that results may depend on,
    `own_functions` one for schema, name and definition of user-defined functions.
    """

    names: ClassVar[Names]
    keeps_views: ClassVar[bool] = False
    quick: ClassVar[tuple[str, str]] = ("", "")
    is_read_in_run: ClassVar[bool] = True
    lists_functions: ClassVar[bool] = True
    has_bare_columns: ClassVar[bool] = False
    varying_names: ClassVar[frozenset[str]] = frozenset()
    separates_columns: ClassVar[bool] = True
    has_whole_types: ClassVar[bool] = True
    settings: ClassVar[str] = ""
    own_functions: ClassVar[str] = ""

    def key(self, relation: Relation) -> Relation:
        """Return a relation of dbt's manifest under the name that `relations` uses."""
        return Relation(*map(self.names.of_relation, (relation.schema, relation.name)))

    def holds(self, warehouse: Warehouse, database: str) -> bool:
        """Return whether this connection is to a database that dbt's manifest names."""
        current = str(warehouse.rows("select current_database()")[0][0])
        return self.names.of_relation(database) == self.names.key(current)

    def version(self, warehouse: Warehouse) -> str:
        """Return the version of the warehouse."""
        return str(warehouse.rows("select version()")[0][0])

    def settings_of_sessions(self, warehouse: Warehouse) -> str:
        """Return a value that changes with `settings`, "" if the warehouse does not show them."""
        try:
            return digest(sorted(map(str, warehouse.rows(self.settings)))) if self.settings else ""
        except EnvironmentProblemError:
            return ""

    @abstractmethod
    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """Return the existing relations by `key`: the wanted ones, and maybe others."""

    def read_relations(
        self, warehouse: Warehouse, definitions: str, columns: str
    ) -> dict[Relation, Found]:
        """Return the relations found by two queries, by `key`.

        `definitions` returns schema, name, kind and text; `columns` returns schema, name, column
        and type in the order of the columns.
        """
        columns_of: dict[Relation, list[tuple[str, str]]] = {}
        for schema, name, column, kind in warehouse.rows(columns):
            place = self.key(Relation(str(schema), str(name)))
            columns_of.setdefault(place, []).append((str(column), str(kind)))
        found = {}
        for schema, name, kind, text in warehouse.rows(definitions):
            place = self.key(Relation(str(schema), str(name)))
            if kind == TABLE:
                found[place] = Found(TABLE, str(text), tuple(columns_of.get(place, ())))
            else:
                found[place] = Found(VIEW, str(text))
        return found

    @abstractmethod
    def functions(self, warehouse: Warehouse) -> Functions:
        """Return which functions are steady, and which are user-defined."""

    def definitions(self, warehouse: Warehouse) -> Mapping[Relation, str]:
        """Return the definitions of user-defined functions by `key`; none if they are not known.

        Functions that share a name have one text.
        """
        found: dict[Relation, str] = {}
        for schema, name, text in warehouse.rows(self.own_functions) if self.own_functions else ():
            place = self.key(Relation(str(schema), str(name)))
            found[place] = f"{found.get(place, '')}{text}\n"
        return found

    def version_of_rows(self, warehouse: Warehouse, relation: Relation) -> str:
        """Return a value that changes whenever a table's rows do, "" if there is none.

        Raises:
            EnvironmentProblemError: The warehouse refuses the query.
        """
        return ""

    def is_varying(self, call: Call) -> bool:
        """Return whether the arguments of a call of a steady function make it vary."""
        return False


class CopiesCatalog(Catalog):
    """Nodes depend on whole parents: how such a warehouse resolves names is not known."""

    names = names_of("")
    separates_columns = False

    def relations(
        self, warehouse: Warehouse, wanted: Sequence[Relation]
    ) -> Mapping[Relation, Found]:
        """See `Catalog.relations`; nothing shows whether one is as a build left it."""
        return {}

    def functions(self, warehouse: Warehouse) -> Functions:
        """See `Catalog.functions`."""
        return Functions()


CATALOGS: Mapping[str, Catalog] = InstalledParts("floe.catalogs", Catalog)  # type: ignore[type-abstract]


def catalog_of(adapter: str) -> Catalog:
    """Return the catalog of an adapter; where reuse does not work, one to compare changes with."""
    return CATALOGS.get(adapter) or CopiesCatalog()
