"""Detect from PostgreSQL's system columns whether a table has changed.

Each version of a row has a place (`ctid`) and the transaction that wrote it (`xmin`). An insert,
update or delete changes the set of these, whichever transaction commits first; no other columns
are read. Statistics and commit timestamps are not used: the former come late and are lost in a
crash, the latter are off by default and do not show deletes.
"""

from __future__ import annotations

from floe_core.reuse.queries.parts import digest
from floe_core.warehouse.dialect import Relation, literal
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
