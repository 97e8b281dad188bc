"""The ports of products as documents of the Open Data Contract Standard."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from typing import Any

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job
from floe_core.schemas.ports import Port, PortColumn
from floe_core.warehouse.type_names import logical_type

API_VERSION = "v3.1.0"
Document = dict[str, Any]


def contract_files(products: Iterable[CompiledArtifacts]) -> dict[str, bytes]:
    """Return file name -> YAML, a document for each port; the same products give the same bytes."""
    return {
        f"{product.product.name}.{port.name}.v{port.version}.odcs.yaml": _as_yaml(
            contract_of(product, port)
        )
        for product in products
        for port in product.ports
    }


def contract_of(product: CompiledArtifacts, port: Port) -> Document:
    """Return the contract of a port: what it is, its columns, what is tested, when it is due."""
    node, about = product.by_id[port.node_id], product.product
    described = port.description or node.description
    return _without_empty(
        {
            "apiVersion": API_VERSION,
            "kind": "DataContract",
            "id": port.key_in(about.name),
            "name": port.name,
            "version": _contract_version(port.version),
            "status": "active",
            "dataProduct": about.name,
            "description": _without_empty({"purpose": described or about.description}),
            "team": _without_empty({"name": about.owner}),
            "schema": [_relation(product, port, node)],
            "slaProperties": [*_promises(product, node)],
            "customProperties": [{"property": "floeProductVersion", "value": about.version}],
        }
    )


def _as_yaml(document: Document) -> bytes:
    from ruamel.yaml import YAML

    yaml, text = YAML(), BytesIO()
    yaml.default_flow_style, yaml.width = False, 100
    yaml.dump(document, text)
    return text.getvalue()


def _contract_version(version: str) -> str:
    """Return a port's version in the three parts that the standard's tools compare.

    >>> _contract_version("2"), _contract_version("1.4")
    ('2.0.0', '1.4.0')
    """
    parts = version.split(".")
    return ".".join([*parts, "0", "0", "0"][: max(3, len(parts))])


def _relation(product: CompiledArtifacts, port: Port, node: Node) -> Document:
    place = [each for each in (node.database, node.schema_name, node.identifier) if each]
    return _without_empty(
        {
            "name": node.identifier or node.name,
            "physicalName": ".".join(place),
            "physicalType": "view" if node.materialization == "view" else "table",
            "logicalType": "object",
            "description": node.description,
            "properties": [_column(product, node, each) for each in port.columns],
        }
    )


def _column(product: CompiledArtifacts, node: Node, column: PortColumn) -> Document:
    documented = {each.name.lower(): each for each in node.columns}
    found = documented.get(column.name.lower())
    kinds = _tests_of(product, node, column.name)
    kind = column.type or (found.type if found else "")
    return _without_empty(
        {
            "name": column.name,
            "physicalType": kind,
            "logicalType": logical_type(kind, product.dbt.adapter) if kind else "",
            "description": found.description if found else "",
            "required": "not_null" in kinds or None,
            "unique": "unique" in kinds or None,
        }
    )


def _tests_of(product: CompiledArtifacts, node: Node, column: str) -> set[str]:
    return {
        each.test_kind
        for each in product.nodes
        if each.is_test
        and each.tested == node.unique_id
        and each.test_column.lower() == column.lower()
        and each.severity.lower() != "warn"
    }


def _promises(product: CompiledArtifacts, node: Node) -> Iterable[Document]:
    """Yield when the jobs that build a node are to be done, and how often they run."""
    for job in product.jobs:
        if any(each.unique_id == node.unique_id for each in product.nodes_of(job)):
            yield from _promises_of(job)


def _promises_of(job: Job) -> Iterable[Document]:
    if job.deadline:
        due = f"{job.deadline.time} {job.deadline.timezone}"
        yield {"property": "timeOfAvailability", "value": due, "element": job.name}
    if job.schedule and job.schedule.enabled:
        yield {
            "property": "frequency",
            "value": job.schedule.cron,
            "element": job.name,
            "scheduler": "cron",
            "schedule": f"{job.schedule.cron} {job.schedule.timezone}",
        }


def _without_empty(fields: Document) -> Document:
    return {name: value for name, value in fields.items() if value not in ("", None, [], {})}
