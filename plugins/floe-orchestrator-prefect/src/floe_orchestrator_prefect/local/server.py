"""The server of a launched run: `python -m floe_orchestrator_prefect.local.server FD`.

It serves on the file descriptor FD, a listening socket.
"""

from __future__ import annotations

import socket
import sys

from floe_orchestrator_prefect.internals import NoServerError, serve_for_one_run

# The exit code if Prefect has to start its server itself.
NO_SERVER = 64


def main() -> None:
    """Serve until SIGTERM."""
    try:
        serve_for_one_run(socket.socket(fileno=int(sys.argv[1])))
    except NoServerError:
        sys.exit(NO_SERVER)


if __name__ == "__main__":
    main()
