"""The file of a product folder that Dagster loads."""

from __future__ import annotations

from floe_core.plugin_api.powers import EntryPointFile

FILENAME = "definitions.py"

_TEXT = '''\
"""What Dagster loads of the product {name}."""

from pathlib import Path

from floe_orchestrator_dagster import load_product_definitions

defs = load_product_definitions("{name}", Path(__file__).parent)
'''


def definitions_file(product_name: str) -> EntryPointFile:
    """Return the file for a product."""
    return EntryPointFile(FILENAME, _TEXT.format(name=product_name))
