"""Serve the page of a platform until ^C."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import uvicorn

from floe_console.data.refresh import Platform
from floe_console.serve.app import LOCAL_HOSTS, application
from floe_core.foundation.errors import UsageError


def serve(
    platform: Platform,
    host: str,
    port: int,
    hosts: Sequence[str],
    announce: Callable[[str], None],
) -> None:
    """Serve on an address; `announce` receives the URL once it is open. Port 0 is any free one.

    Raises:
        UsageError: The address cannot be used.
    """
    listener = _listen(host, port)
    with listener:
        shown = f"[{host}]" if ":" in host else host
        app = application(platform, [*LOCAL_HOSTS, shown, *hosts])
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        announce(f"http://{shown}:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{host}:{port} cannot be served: {why}; choose another --port") from None
