"""Snowflake and Spark, for floe."""
