"""Read the tables of a product, through a connection opened by dbt's adapter."""
