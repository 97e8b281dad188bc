"""Loads what the CRM delivered into the warehouse."""

from __future__ import annotations

import os

import duckdb


def load_customers() -> None:
    """Replace `received.customers` by the rows of the file."""
    with duckdb.connect(os.environ["FLOE_WAREHOUSE_FILE"]) as warehouse:
        warehouse.execute("create schema if not exists received")
        warehouse.execute(
            "create or replace table received.customers as from read_csv('received/customers.csv')"
        )
