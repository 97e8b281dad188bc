"""The states of partitions as JSON, and as the data of the page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from floe_partitions.grid import notes
from floe_partitions.overview import Overview

# With the last build of more partitions than this, a page would be too large.
MOST_DETAILS = 40_000


def as_data(found: Overview) -> dict[str, Any]:
    """Return the states as `floe partitions --json` prints them."""
    keys = [each.key for each in found.partitions]
    return {
        **_about(found),
        "nodes": {
            node.unique_id: {
                "counts": found.counts(node.unique_id),
                "partitions": dict(zip(keys, found.statuses[node.unique_id], strict=True)),
            }
            for node in found.nodes
        },
    }


def page_data(found: Overview) -> dict[str, Any]:
    """Return the data of the page: a letter for each partition of a node, and its last build."""
    keys = [each.key for each in found.partitions]
    has_details = sum(map(len, found.records.values())) <= MOST_DETAILS
    return {
        **_about(found),
        "keys": keys,
        "rows": [
            {
                "id": node.unique_id,
                "name": node.label,
                "kind": node.resource_type,
                "states": "".join(each[0] for each in found.statuses[node.unique_id]),
                "builds": _builds(found, node.unique_id, keys) if has_details else {},
            }
            for node in found.nodes
        ],
    }


def _about(found: Overview) -> dict[str, Any]:
    return {
        "product": found.product,
        "environment": found.environment,
        "by": found.declaration.by,
        "timezone": found.declaration.timezone,
        "start": found.declaration.start,
        "notes": list(notes(found)),
    }


def _builds(found: Overview, node_id: str, keys: list[str]) -> dict[str, list[Any]]:
    records = found.records.get(node_id, {})
    return {
        key: [
            *(record.run_id, record.attempt, record.rows),
            *(round(record.ended - record.started, 2), _iso(record.ended)),
        ]
        for key in keys
        if (record := records.get(key)) is not None
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
