"""A warehouse of which floe knows no more than dbt's adapter tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from floe_core.reuse.catalogs.catalog import Catalog, Found
from floe_core.reuse.queries.functions import Functions
from floe_core.sql.names import names_of
from floe_core.warehouse.dialect import Relation
from floe_core.warehouse.warehouse import Warehouse


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
