"""The Airflow Assets of products: of their nodes, their ports and what their steps write."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow.sdk import Asset

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts
    from floe_core.schemas.nodes import Node
    from floe_core.schemas.policies import Job

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
    return _asset_at(f"{SCHEME}://{product}/{node}", product)


def updates_asset(product: str, job: str) -> Asset:
    """Return the asset whose events start a job; each carries the updates of ports it is for.

    >>> updates_asset("marts", "marts").uri
    'floe://marts/marts/updates'
    """
    return floe_asset(product, f"{job}/updates")


def node_asset(artifacts: CompiledArtifacts, node: Node) -> Asset:
    """Return the asset of a model, seed or snapshot; of an input port, that of its producer.

    Its URI names no warehouse, host or schema: these differ between environments, and a DAG that
    waits for the asset should not. It has no `extra`: Airflow keeps that of the DAG file it parsed
    last, and a consumer's file has none. The facts about the node are on each event.
    """
    port = artifacts.ports_read.get(node.unique_id)
    if port is not None:
        return floe_asset(port.product, port.label)
    is_own = node.package == artifacts.dbt.project_name
    label = node.label if is_own else f"{node.package}/{node.label}"
    return floe_asset(artifacts.product.name, label)


def built_assets(artifacts: CompiledArtifacts, node: Node) -> list[Asset]:
    """Return the assets of what a node builds: one of a relation, one for each write of a step."""
    # A team's DAG that only names an asset imports no artifacts.
    from floe_core.schemas.nodes import source_name

    if node.is_relation:
        return [node_asset(artifacts, node)]
    step = artifacts.steps_by_id.get(node.unique_id)
    if step is None:
        return []
    sources = (source_name(artifacts.by_id[source]) for source in step.sources)
    return [_dataset_asset(artifacts, name) for name in (*sources, *step.datasets)]


def read_assets(artifacts: CompiledArtifacts, job: Job) -> list[Asset]:
    """Return the assets of the ports that a job reads, or is started by: those of who builds them.

    So Airflow's graph goes on from the DAG of one product to that of the next.
    """
    read = {parent for node in artifacts.nodes_of(job) for parent in node.depends_on}
    started_by = job.trigger.ports if job.trigger else ()
    ports = [p for p in artifacts.input_ports if p.node_id in read or p.key in started_by]
    return [floe_asset(port.product, port.label) for port in ports if port.label]


def _dataset_asset(artifacts: CompiledArtifacts, name: str) -> Asset:
    """Return the asset of what a step writes: a URL is its own name on Airflow."""
    product = artifacts.product.name
    return _asset_at(name, product) if "://" in name else floe_asset(product, name)


def _asset_at(uri: str, product: str) -> Asset:
    """Return the asset of a product at a URI, which is also its name."""
    name = "".join(each if each.isascii() else quote(each) for each in uri)
    return Asset(name=name, uri=name, group=product)
