"""The network ports of places that pods read and write."""

from __future__ import annotations

from urllib.parse import urlsplit

HTTPS, POSTGRES = 443, 5432
# Object stores are reached over HTTPS, whatever their scheme is.
_OF_SCHEME = {"postgresql": POSTGRES, "postgres": POSTGRES, "http": 80}
_BY_REFERENCE = ("env:", "{{")


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
