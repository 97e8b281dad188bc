"""Spark, and the sessions that it runs in a process of dbt."""
