"""An orchestrator of a `floe dev`, started again when it ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import DevOptions, DevServer, DevSession, UncompiledProduct

# The pauses between one that ended and the next: the cause may need time to go.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
# One that was up for so long did not end from what ended the one before.
STEADY_SECONDS = 120.0


class Orchestrator:
    """Serves products; `name` is that of its plugin."""

    def __init__(
        self,
        name: str,
        server: DevServer,
        products: Sequence[UncompiledProduct],
        options: DevOptions,
    ) -> None:
        self.name = name
        self._server = server
        self._products = products
        self.options = options
        self._stack = ExitStack()
        self._session: DevSession | None = None
        self._changing = threading.Lock()
        self._has_loaded = False
        self._started, self._pause = 0.0, FIRST_PAUSE
        self._starts_again = 0.0

    def start(self) -> None:
        """Start it, without waiting for it.

        Raises:
            EnvironmentProblemError: It can't be started here.
        """
        self._started = time.monotonic()
        with self._changing:
            self._session = self._stack.enter_context(
                self._server.serve_dev(self._products, self.options)
            )

    def session(self) -> DevSession:
        """Return what serves now.

        Raises:
            EnvironmentProblemError: The orchestrator has ended and is not up again.
        """
        with self._changing:
            if self._session is None:
                raise EnvironmentProblemError("the orchestrator of `floe dev` is being started")
            return self._session

    @property
    def is_up(self) -> bool:
        """Whether it has been started, and not stopped; it may have ended by itself."""
        return self._session is not None

    def problem(self) -> str:
        """Return why it no longer runs; "" while it does."""
        with self._changing:
            return self._session.problem() if self._session is not None else "it did not start"

    def reap_products(self) -> Mapping[str, str]:
        """See `DevSession`."""
        with self._changing:
            return self._session.reap_products() if self._session is not None else {}

    def note_load(self) -> None:
        """Note that a product was loaded, or that it does not load: its start is over."""
        self._has_loaded = True

    def is_ready(self) -> bool:
        """Return whether a run can use it: it has started, and has not ended."""
        return self._has_loaded and not self.problem()

    def rest(self) -> float:
        """Stop it, and return the seconds until it `may_start`: more each time it ends soon."""
        is_steady = time.monotonic() - self._started > STEADY_SECONDS
        pause = FIRST_PAUSE if is_steady else self._pause
        self._pause = min(LONGEST_PAUSE, 2 * pause)
        self.stop()
        self._starts_again = time.monotonic() + pause
        return pause

    @property
    def may_start(self) -> bool:
        """Whether it has rested."""
        return not self.is_up and time.monotonic() >= self._starts_again

    def stop(self) -> None:
        """End it with all its processes."""
        self._has_loaded = False
        with self._changing:
            self._session = None
            self._stack.close()
