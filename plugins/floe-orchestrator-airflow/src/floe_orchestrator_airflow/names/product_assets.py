"""The Airflow Asset of a product's node, for DAGs that are scheduled on it or also update it."""

from __future__ import annotations

from urllib.parse import quote

from airflow.sdk import Asset

SCHEME = "floe"


def floe_asset(product: str, node: str) -> Asset:
    """Return the asset that a run of the product updates when it has built the node.

    `node` is the name of a model, seed or snapshot as in `ref()`: with `.v2` for a version, and
    with `package/` before it where another dbt package defines it. The name of the asset is its
    URI, since Airflow allows only one name for a URI: `Asset("floe://sales/orders")` is the same
    asset. Airflow takes only ASCII in a URI, so other characters are percent-encoded.

    >>> floe_asset("sales", "orders").uri, floe_asset("sales", "größen").uri
    ('floe://sales/orders', 'floe://sales/gr%C3%B6%C3%9Fen')

    Raises:
        ValueError: The product or the node is empty, or contains what a URI can't hold there.
    """
    for what, text in (("product", product), ("node", node)):
        if not text or set(text) & set("?#") or text != text.strip("/ "):
            raise ValueError(f"{what} must be a name, such as 'orders', not {text!r}")
    return asset_at(f"{SCHEME}://{product}/{node}", product)


def asset_at(uri: str, product: str) -> Asset:
    """Return the asset of a product at a URI, which is also its name."""
    name = "".join(each if each.isascii() else quote(each) for each in uri)
    return Asset(name=name, uri=name, group=product)


def updates_asset(product: str, job: str) -> Asset:
    """Return the asset whose events start a job; each carries the updates of ports it is for.

    >>> updates_asset("marts", "marts").uri
    'floe://marts/marts/updates'
    """
    return floe_asset(product, f"{job}/updates")
