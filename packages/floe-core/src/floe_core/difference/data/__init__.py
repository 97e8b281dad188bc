"""Compare the tables of one product in two places."""

from floe_core.difference.data.tables import DataDifference, TableDifference, data_difference

__all__ = ["DataDifference", "TableDifference", "data_difference"]
