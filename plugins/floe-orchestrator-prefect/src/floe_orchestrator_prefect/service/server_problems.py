"""What requests to Prefect's server raise if it is away, or refuses them."""

from __future__ import annotations

import httpx
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

SERVER_PROBLEMS: tuple[type[Exception], ...] = (
    httpx.TransportError,
    ObjectNotFound,
    PrefectHTTPStatusError,
    # Raised if the server cannot be reached when the client is opened.
    RuntimeError,
)
