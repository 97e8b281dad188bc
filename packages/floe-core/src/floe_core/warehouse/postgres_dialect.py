"""PostgreSQL's SQL for reading tables."""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.warehouse.dialect import Dialect, Relation, literal

# With the collation, by which texts are compared and sorted, if it is not that of the type.
WHOLE_TYPE = (
    "pg_catalog.format_type(a.atttypid, a.atttypmod) || coalesce((select ' collate ' "
    "|| l.collnamespace::regnamespace || '.' || pg_catalog.quote_ident(l.collname) "
    "from pg_catalog.pg_collation l join pg_catalog.pg_type t on t.oid = a.atttypid "
    "where l.oid = a.attcollation and l.oid <> t.typcollation), '')"
)


class Postgres(Dialect):
    """Hashes the text of a value, as PostgreSQL writes it in a session with fixed settings."""

    settings = (
        "set timezone = 'UTC'",
        "set datestyle = 'ISO, YMD'",
        "set intervalstyle = 'postgres'",
        "set extra_float_digits = 1",
        "set bytea_output = 'hex'",
    )
    fence = " offset 0"
    longest_name = 63

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`; reads pg_catalog, since other views lack the precision."""
        return (
            f"select attname, {WHOLE_TYPE} "
            "from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid "
            "join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
            f"where n.nspname = {literal(relation.schema)} "
            f"and c.relname = {literal(relation.name)} "
            "and attnum > 0 and not attisdropped order by attnum"
        )

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`; compares bytes, whatever the column's collation."""
        return f'coalesce(pg_catalog.hashtextextended({name}::text collate "C", 0), 1)'

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`; sums of `hash_record_extended` would not depend on the pairs."""
        return f'pg_catalog.hashtextextended(row({", ".join(hashes)})::text collate "C", 0)'
