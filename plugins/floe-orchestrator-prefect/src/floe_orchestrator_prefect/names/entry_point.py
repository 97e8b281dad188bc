"""The file of a product folder that Prefect loads, and that serves the product's schedules."""

from __future__ import annotations

from floe_core.plugin_api.powers import EntryPointFile

FILENAME = "flow.py"

_TEXT = '''\
"""What Prefect loads of the product {name}; run it to serve the product's schedules."""

from pathlib import Path

from floe_orchestrator_prefect import load_product_flows

product = load_product_flows("{name}", Path(__file__).parent)
globals().update(product.by_attribute())

if __name__ == "__main__":
    product.serve()
'''


def flow_file(product_name: str) -> EntryPointFile:
    """Return the file for a product."""
    return EntryPointFile(FILENAME, _TEXT.format(name=product_name))
