"""Which columns a query's columns come from."""
