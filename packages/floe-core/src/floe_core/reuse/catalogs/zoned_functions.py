"""Functions of values with a time zone, which warehouses call steady only within a query."""

from __future__ import annotations

STEADY_IN_ZONES = frozenset(
    {
        *("century", "concat", "concat_ws", "date_part", "datepart", "datesub", "dayname"),
        *("decade", "era", "format", "isodow", "isoyear", "julian", "millennium", "monthname"),
        *("time_bucket", "to_char", "to_date", "weekday", "weekofyear", "yearweek"),
    }
)
