"""Calls of dbt on a command line, as tasks of Bash and flows of Prefect have them."""
