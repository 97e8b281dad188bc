"""Read SQL: where columns come from, which are read, and what determines the rows."""
