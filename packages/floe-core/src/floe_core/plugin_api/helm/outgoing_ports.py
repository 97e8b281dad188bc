"""Find the network ports that pods need beyond those that are open, from manifest and products."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from floe_core.schemas.floe_yaml import FloeSpec
from floe_core.schemas.manifest_yaml import Environment, Manifest
from floe_core.warehouse.server_ports import server_port

HTTPS, POSTGRES = 443, 5432
OF_CHARTS = (HTTPS, POSTGRES)
# Object stores are reached over HTTPS, whatever their scheme is.
_OF_SCHEME = {"postgresql": POSTGRES, "postgres": POSTGRES, "http": 80}
_BY_REFERENCE = ("env:", "{{")


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


def ports_of_place(place: str) -> tuple[int, ...]:
    """Return the ports of a folder, which has none, of a URL, or of a reference to either.

    >>> ports_of_place("postgresql://floe@db:6432/ledger"), ports_of_place("s3://acme/ledger")
    ((6432,), (443,))
    >>> ports_of_place("/shared/ledger"), ports_of_place("env:LEDGER_URL")
    ((), (443, 5432))
    """
    if place.startswith(_BY_REFERENCE):
        return HTTPS, POSTGRES
    url = urlsplit(place)
    if not url.scheme or url.scheme == "file":
        return ()
    return (url.port or _OF_SCHEME.get(url.scheme, HTTPS),)


def schedule_store_ports(place: str) -> tuple[int, ...]:
    """Return the ports of a store of schedules; none if that of the charts, HTTPS, will do.

    >>> schedule_store_ports("postgresql://floe@db/floe"), schedule_store_ports("s3://acme/floe")
    ((443, 5432), ())
    """
    ports = set(ports_of_place(place)) - {HTTPS}
    return (HTTPS, *sorted(ports)) if ports else ()
