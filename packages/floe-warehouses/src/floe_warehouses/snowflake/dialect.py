"""Snowflake's SQL for reading tables."""

from __future__ import annotations

from collections.abc import Sequence

from floe_core.sql.names import NAMES
from floe_core.warehouse.dialect import Dialect, Relation, literal, quote_name

_fold = NAMES["snowflake"].fold
WHOLE_TYPE = """case
    when data_type = 'NUMBER' then 'NUMBER(' || numeric_precision || ',' || numeric_scale || ')'
    when data_type = 'TEXT' then 'TEXT(' || coalesce(character_maximum_length, 0) || ')'
        || coalesce(' collate ' || collation_name, '')
    else data_type end"""


class Snowflake(Dialect):
    """Snowflake's own hash, and the text of values that it hashes alike but writes differently.

    Names of relations are as dbt writes them, without quotes.
    """

    longest_name = 255
    keeps_quoted_case = True

    def place(self, relation: Relation) -> str:
        """See `Dialect.place`."""
        return f"{quote_name(_fold(relation.schema))}.{quote_name(_fold(relation.name))}"

    def schemas(self, part: str) -> str:
        """See `Dialect.schemas`."""
        return (
            "select schema_name from information_schema.schemata "
            f"where contains(schema_name, {literal(_fold(part))})"
        )

    def columns(self, relation: Relation) -> str:
        """See `Dialect.columns`."""
        return (
            f"select column_name, {WHOLE_TYPE} from information_schema.columns "
            f"where table_schema = {literal(_fold(relation.schema))} "
            f"and table_name = {literal(_fold(relation.name))} order by ordinal_position"
        )

    def value_hash(self, name: str, kind: str) -> str:
        """See `Dialect.value_hash`; an equal number and float have the same hash."""
        if kind == "TIMESTAMP_TZ":  # Hash the moment, whatever its offset.
            return f"hash(convert_timezone('UTC', {name}))"
        if kind in ("FLOAT", "VARIANT", "OBJECT", "ARRAY"):
            return f"hash({name}, to_varchar({name}))"
        return f"hash({name})"

    def row_hash(self, hashes: Sequence[str]) -> str:
        """See `Dialect.row_hash`; hashes the combined hash once more."""
        return f"hash(hash({', '.join(hashes)}))"

    def exact(self, expression: str) -> str:
        """See `Dialect.exact`; the session's format may omit parts of a time."""
        return self.text(f"hash({expression})")

    def total(self, hashes: str) -> str:
        """See `Dialect.total`."""
        return self.text(f"coalesce(sum(cast({hashes} as number(37, 0))), 0)")

    def bucket(self, hashes: str, buckets: int) -> str:
        """See `Dialect.bucket`."""
        return f"bitand({hashes}, {buckets - 1})"
