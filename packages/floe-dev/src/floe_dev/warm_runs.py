"""Keep the processes of one run ready: started, with everything imported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from floe_core.foundation.errors import FloeError
from floe_core.plugin_api.powers import DevRun, DevSession, UncompiledProduct


class WarmRuns:
    """Starts the processes of the next run ahead, and those of any further run when needed."""

    def __init__(
        self,
        session: Callable[[], DevSession],
        product: UncompiledProduct,
        is_ready: Callable[[], bool],
    ) -> None:
        """`is_ready` returns whether the orchestrator of `session` can take a run."""
        self._session = session
        self.is_ready = is_ready
        self._product = product
        self._changing = threading.Lock()
        self._ready: tuple[DevRun, ExitStack] | None = None
        self._is_closed = False
        self._taken, self._callers = 0, 0

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way, or about to be."""
        return self._taken + self._callers > 0

    @contextmanager
    def awaited(self) -> Iterator[None]:
        """Count a caller during the block: one that has compiled is about to run."""
        with self._changing:
            self._callers += 1
        try:
            yield
        finally:
            with self._changing:
                self._callers -= 1

    def prepare(self) -> None:
        """Start the processes of the next run, unless they are there."""
        with self._changing, suppress(FloeError, OSError):
            if self._ready is None and not self._is_closed:
                self._ready = self._start()

    @contextmanager
    def taken(self) -> Iterator[DevRun]:
        """Take the processes of a run, which end with the block, and prepare the next ones.

        Raises:
            EnvironmentProblemError: They can't be started.
        """
        with self._changing:
            self._taken += 1
        try:
            run, stack = self._take()
            with stack:
                yield run
        finally:
            with self._changing:
                self._taken -= 1
            self.prepare()

    def _take(self) -> tuple[DevRun, ExitStack]:
        """Return processes of a run, those that are ready unless they have ended meanwhile."""
        with self._changing:
            found, self._ready = self._ready, None
        if found is not None and found[0].has_ended():
            found[1].close()
            found = None
        return found or self._start()

    def drop(self) -> None:
        """End the processes that are ready, for they belong to an orchestrator that has ended."""
        with self._changing:
            found, self._ready = self._ready, None
        if found is not None:
            found[1].close()

    def close(self) -> None:
        """End the processes that are ready, and start none ahead any more."""
        self._is_closed = True
        self.drop()

    def _start(self) -> tuple[DevRun, ExitStack]:
        stack = ExitStack()
        return stack.enter_context(self._session().start_early(self._product)), stack
