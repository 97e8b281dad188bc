"""Names that look like columns, but that a warehouse reads as something else."""

from __future__ import annotations

# Functions that are called without parentheses, unless they are in quotes.
WORDS = frozenset(
    {
        *("current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"),
        *("current_user", "session_user", "user", "current_role"),
        *("current_catalog", "current_schema", "current_database"),
    }
)
# Columns that tables have without listing them, which say where a row is stored; quoted ones too.
PLACES = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "rowid", "filename"})
# More of these, and sequences, by dbt's names of adapters.
OF_WAREHOUSE = {
    "duckdb": frozenset({"file_row_number"}),
    # https://docs.snowflake.com/en/user-guide/querying-metadata, and what streams show of changes.
    "snowflake": frozenset(
        {
            *("nextval", "metadata$filename", "metadata$file_row_number"),
            *("metadata$file_content_key", "metadata$file_last_modified"),
            *("metadata$start_scan_time", "metadata$external_table_partition"),
            *("metadata$action", "metadata$isupdate", "metadata$row_id"),
        }
    ),
    "spark": frozenset(
        {
            *("_metadata", "_file", "_pos", "_partition", "_spec_id", "_deleted"),
            *("_row_id", "_last_updated_sequence_number"),
        }
    ),
    "sqlite": frozenset({"_rowid_", "oid"}),
}
SYSTEM_COLUMNS = PLACES.union(*OF_WAREHOUSE.values())
