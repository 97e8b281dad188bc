"""Find the network ports that pods need beyond those that are open, from manifest and products."""

from __future__ import annotations

from collections.abc import Iterable

from floe_core.plugin_api.helm.outgoing_ports import HTTPS, POSTGRES, ports_of_place
from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Environment, Manifest
from floe_core.warehouse.server_ports import server_port

OF_CHARTS = (HTTPS, POSTGRES)


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
