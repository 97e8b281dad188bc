"""The orchestrator of a `floe dev`, started again when it ends."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import DevOptions, DevServer, DevSession, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

# The pauses between one that ended and the next: the cause may need time to go.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# One that was up for so long did not end from what ended the one before.
STEADY_SECONDS = 120.0


class Orchestrator:
    """Serves a product; `take_up` waits for the pages."""

    def __init__(self, server: DevServer, product: UncompiledProduct, options: DevOptions) -> None:
        self._server = server
        self._product = product
        self._options = options
        self._stack = ExitStack()
        self._session: DevSession | None = None
        self._changing = threading.Lock()
        self._started, self._pause = 0.0, FIRST_PAUSE

    def start(self) -> None:
        """Start it, without waiting for it.

        Raises:
            EnvironmentProblemError: It can't be started here.
        """
        with self._changing:
            self._session = self._stack.enter_context(
                self._server.serve_dev(self._product, self._options)
            )
        self._started = time.monotonic()

    def session(self) -> DevSession:
        """Return what serves now.

        Raises:
            EnvironmentProblemError: The orchestrator has ended and is not up again.
        """
        with self._changing:
            if self._session is None:
                raise EnvironmentProblemError("the orchestrator of `floe dev` is being started")
            return self._session

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        """Have it load the product. See `DevSession`."""
        self.session().take_up(artifacts)

    def problem(self) -> str:
        """Return why it no longer runs; "" while it does."""
        with self._changing:
            return self._session.problem() if self._session is not None else "it did not start"

    def pause_before_restart(self) -> float:
        """Return the seconds to wait before it is started again: more each time it ends soon."""
        is_steady = time.monotonic() - self._started > STEADY_SECONDS
        pause = FIRST_PAUSE if is_steady else self._pause
        self._pause = min(LONGEST_PAUSE, 2 * pause)
        return pause

    def stop(self) -> None:
        """End it with all its processes."""
        with self._changing:
            self._session = None
            self._stack.close()
