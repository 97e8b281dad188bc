"""Compare the tables of one product in two places."""

from floe_diff.data.tables import DataDifference, TableDifference, data_difference

__all__ = ["DataDifference", "TableDifference", "data_difference"]
