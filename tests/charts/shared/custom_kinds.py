"""Schemas of the kinds that a cluster has only with the Gateway API or KEDA, as far as the charts use them.

They are closed, so a field that is not here is refused, as a misspelt one should be. By the references of
Gateway API v1 and KEDA 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 0}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_NAME = {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253}


def _closed(required: Mapping[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {**required, **optional},
    }


def _listed(items: Any, least: int = 1) -> dict[str, Any]:
    return {"type": "array", "minItems": least, "items": items}


_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA = _closed({"name": _NAME, "namespace": _NAME, "labels": _TEXTS}, annotations=_TEXTS)


def _kind(api_version: str, kind: str, spec: Any) -> dict[str, Any]:
    own = {"apiVersion": {"const": api_version}, "kind": {"const": kind}}
    return _closed({**own, "metadata": _METADATA, "spec": spec})


_PATH = _closed(
    {"type": {"enum": ["Exact", "PathPrefix"]}, "value": {"type": "string", "pattern": "^/"}}
)
_ROUTE = _closed(
    {
        "parentRefs": _listed(_closed({"name": _NAME}, namespace=_NAME, sectionName=_NAME)),
        "hostnames": _listed(_NAME),
        "rules": _listed(
            _closed(
                {
                    "matches": _listed(_closed({"path": _PATH})),
                    "backendRefs": _listed(_closed({"name": _NAME, "port": _PORT})),
                }
            )
        ),
    }
)
_QUERY = _closed(
    {
        "host": _TEXT,
        "port": {"type": "string", "pattern": "^[0-9]+$"},
        "userName": _TEXT,
        "dbName": _TEXT,
        "sslmode": _TEXT,
        "query": _TEXT,
        "targetQueryValue": {"type": "string", "pattern": "^[0-9]+$"},
    }
)
_TRIGGER = _closed(
    {
        "type": {"const": "postgresql"},
        "metadata": _QUERY,
        "authenticationRef": _closed({"name": _NAME}),
    }
)
_SCALED = _closed(
    {
        "scaleTargetRef": _closed({"apiVersion": _TEXT, "kind": _TEXT, "name": _NAME}),
        "pollingInterval": _COUNT,
        "cooldownPeriod": _COUNT,
        "minReplicaCount": _COUNT,
        "maxReplicaCount": _COUNT,
        "triggers": _listed(_TRIGGER),
    }
)
_SECRET = _closed({"parameter": _TEXT, "name": _NAME, "key": _TEXT})

CUSTOM_KINDS = {
    kind: _kind(version, kind, spec)
    for version, kind, spec in (
        ("gateway.networking.k8s.io/v1", "HTTPRoute", _ROUTE),
        ("keda.sh/v1alpha1", "ScaledObject", _SCALED),
        (
            "keda.sh/v1alpha1",
            "TriggerAuthentication",
            _closed({"secretTargetRef": _listed(_SECRET)}),
        ),
    )
}
