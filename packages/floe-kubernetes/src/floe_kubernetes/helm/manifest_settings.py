"""Derive the settings of a plugin's Helm values from the manifest and the products."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from floe_core.plugin_api.helm.outgoing_ports import HTTPS, POSTGRES, ports_of_place
from floe_core.plugin_api.helm.settings import HelmSettings
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Environment, Manifest
from floe_core.warehouse.server_ports import server_port

OF_CHARTS = (HTTPS, POSTGRES)


def products_of(specs: Sequence[FloeSpec], template: str) -> list[dict[str, str]]:
    """Return each product with its image by the template, `{name}` and `{version}` filled in."""
    return [
        {
            "name": spec.metadata.name,
            "image": template.replace("{name}", spec.metadata.name).replace(
                "{version}", _as_tag(spec.metadata.version)
            ),
        }
        for spec in specs
    ]


def _as_tag(version: str) -> str:
    """Return a version as a tag of an image, which may not have a +; Helm replaces it the same.

    >>> _as_tag("1.0.0+build.7")
    '1.0.0_build.7'
    """
    return version.replace("+", "_")


def helm_section(
    manifest: Manifest | None, given: Mapping[str, Any], products: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Return `helm` as written in the manifest, completed with settings from elsewhere.

    Values in `helm` itself take precedence. `products` are added to those that it names.
    """
    listed = list(given.get("products") or [])
    named = {product.get("name") for product in listed if isinstance(product, Mapping)}
    return {
        **given,
        "products": [*listed, *(each for each in products if each["name"] not in named)],
        "lineage": {**_lineage(manifest), **(given.get("lineage") or {})},
    }


def open_ports(
    manifest: Manifest, specs: Sequence[FloeSpec], alert_store: str, environment: str
) -> dict[str, list[int]]:
    """Return the ports to open in addition, as `helm` has them; no key where there is none."""
    found = {
        "warehouse_ports": warehouse_ports(manifest, environment),
        "alert_ports": alert_ports(manifest, specs, alert_store),
        "ledger_ports": ports_of_place(manifest.ledger or ""),
    }
    return {name: list(ports) for name, ports in found.items() if ports}


def starts_step_pods(specs: Sequence[FloeSpec]) -> dict[str, bool]:
    """Return what `helm` has for products with a step that is an image; nothing without."""
    return {"step_pods": True} if any(s.image for spec in specs for s in spec.steps) else {}


def image_template(given: Mapping[str, Any]) -> str:
    """Return the template of product images."""
    default = HelmSettings.model_fields["image_template"].default
    return str(given.get("image_template") or default)


def _lineage(manifest: Manifest | None) -> dict[str, Any]:
    if manifest is None:
        return {}
    switch, backend = manifest.observability.lineage, manifest.plugins.lineage_backend
    url = str((backend.config if backend else {}).get("url") or "")
    # A URL that is read from the environment is read there by the run, in its own pod.
    found = {"url": url} if url and "env_var(" not in url and not url.startswith("env:") else {}
    return {"enabled": switch.enabled, **found}


def alert_ports(manifest: Manifest, specs: Iterable[FloeSpec], store: str) -> tuple[int, ...]:
    """Return the ports of receivers and of the store of alerts; none without alerts.

    The URLs of receivers are in variables, so HTTPS is assumed.
    """
    if not manifest.alerts and not any(spec.alerts for spec in specs):
        return ()
    return tuple(sorted({HTTPS, *ports_of_place(store)}))


def warehouse_ports(manifest: Manifest, environment: str) -> tuple[int, ...]:
    """Return the ports of warehouses, with that of the manifest's; none if the charts' will do.

    Ports that the charts open by themselves stay open, for sources. The warehouse of a product with
    its own profiles.yml is not known.
    """
    compute = manifest.plugins.compute
    if compute is None:
        return ()
    changed = manifest.environments.get(environment, Environment()).compute
    port = server_port({**compute.config, **changed, "type": compute.type})
    return () if port is None or port in OF_CHARTS else (*OF_CHARTS, port)
