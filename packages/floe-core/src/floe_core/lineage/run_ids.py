"""Compute run ids from a run's properties, so that a replay of an attempt is the same run."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha1
from uuid import NAMESPACE_URL, UUID, uuid5

from floe_core.runs.build_request import BuildRequest


def run_id_of_build(namespace: str, product: str, request: BuildRequest) -> str:
    """Return the id of one attempt of a product's run.

    A run with a tick is identified by it, so that any orchestrator gives it the same id; a run
    without one, by the orchestrator's run id. Each part of a run has its own id.
    """
    part = [request.part] if request.part else []
    return _derive(request, namespace, product, request.job, str(request.attempt), *part)


def run_id_of_node(namespace: str, product: str, request: BuildRequest, unique_id: str) -> str:
    """Return the id of one node's run within an attempt."""
    return _derive(request, namespace, product, request.job, str(request.attempt), unique_id)


def run_id_from(text: str) -> str:
    """Return the text if it is a UUID, otherwise a UUID derived from it."""
    try:
        return str(UUID(text))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"floe:{text}"))


def static_uuid(instant: datetime, data: bytes) -> UUID:
    """Return the UUID of an instant and data: `openlineage.client.uuid.generate_static_uuid`.

    Reimplemented here because importing that client takes half a second, which a run would pay for.
    """
    instant = instant.astimezone(UTC)
    milliseconds = int(instant.timestamp() * 1000) & 0xFFFFFFFFFFFF
    digest = sha1(instant.isoformat().encode() + data, usedforsecurity=False).digest()
    value = (milliseconds << 80) | (int.from_bytes(digest) >> 84)
    # Version 7 in bits 76 to 79, variant 2 in bits 62 and 63: RFC 9562.
    value = (value & ~(0xF << 76)) | (7 << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))


def _derive(request: BuildRequest, *parts: str) -> str:
    data = "\0".join(parts)
    if request.nominal_time is not None:
        return str(static_uuid(request.nominal_time, data.encode()))
    return str(uuid5(NAMESPACE_URL, f"floe:{request.run_id}\0{data}"))
