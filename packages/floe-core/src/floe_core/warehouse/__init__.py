"""The tables of a product where they are, read through the connection that dbt's adapter opens."""
