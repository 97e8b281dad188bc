"""The Airflow Asset of a product's node, for DAGs that are scheduled on it or also update it."""

from __future__ import annotations

from airflow.sdk import Asset

SCHEME = "floe"


def floe_asset(product: str, node: str) -> Asset:
    """Return the asset that a run of the product updates when it has built the node.

    `node` is the name of a model, seed or snapshot as in `ref()`: with `.v2` for a version, and
    with `package/` before it where another dbt package defines it. The name of the asset is its
    URI, since Airflow allows only one name for a URI: `Asset("floe://sales/orders")` is the same
    asset.

    >>> floe_asset("sales", "orders").uri
    'floe://sales/orders'

    Raises:
        ValueError: The product or the node is empty, or contains what a URI can't hold there.
    """
    for what, text in (("product", product), ("node", node)):
        if not text or set(text) & set("?#") or text != text.strip("/ "):
            raise ValueError(f"{what} must be a name, such as 'orders', not {text!r}")
    uri = f"{SCHEME}://{product}/{node}"
    return Asset(name=uri, uri=uri, group=product)


def updates_asset(product: str, job: str) -> Asset:
    """Return the asset whose events start a job; each carries the updates of ports it is for.

    >>> updates_asset("marts", "marts").uri
    'floe://marts/marts/updates'
    """
    return floe_asset(product, f"{job}/updates")
