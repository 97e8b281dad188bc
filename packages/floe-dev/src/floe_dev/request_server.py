"""Answer the commands that use a running `floe dev`: they compile and run through it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener
from typing import Any

from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_core.plugin_api.launched_run.run_order import RunOrder
from floe_core.plugin_api.powers import DevRun, RunReport
from floe_core.runs.build_events import BuildEvent, to_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev import messages
from floe_dev.messages import Message
from floe_dev.product_at_hand import Compilation, ProductAtHand
from floe_dev.warm_runs import WarmRuns

LOOK_SECONDS = 0.1
# More than an orchestrator takes on a busy machine.
START_SECONDS = 300.0
_GONE = (EOFError, OSError)


@contextmanager
def answering(
    key: str,
    product: ProductAtHand,
    runs: WarmRuns,
    on_compiled: Callable[[Compilation], None],
    start_seconds: float = START_SECONDS,
) -> Iterator[int]:
    """Answer requests during the block; yield the port on this machine.

    `on_compiled` is called, from other threads, with the compilation that a request gets. A run
    waits up to `start_seconds` for an orchestrator that is starting.
    """
    with Listener(("127.0.0.1", 0), authkey=key.encode()) as listener:
        server = RequestServer(product, runs, on_compiled, start_seconds)
        threading.Thread(
            target=_accept, args=(listener, server), name="floe-requests", daemon=True
        ).start()
        address: Any = listener.address
        try:
            yield address[1]
        finally:
            server.cancel_all()


def _accept(listener: Listener, server: RequestServer) -> None:
    while True:
        try:
            connection = listener.accept()
        except (AuthenticationError, EOFError, ConnectionError):
            # A caller without the key, or one that hung up.
            continue
        except OSError:
            # The listener is closed.
            return
        threading.Thread(
            target=server.answer, args=(connection,), name="floe-request", daemon=True
        ).start()


class RequestServer:
    """Answers each caller in a thread of its own."""

    def __init__(
        self,
        product: ProductAtHand,
        runs: WarmRuns,
        on_compiled: Callable[[Compilation], None],
        start_seconds: float,
    ) -> None:
        self.product = product
        self.runs = runs
        self.on_compiled = on_compiled
        self.start_seconds = start_seconds
        self.under_way: set[DevRun] = set()

    def answer(self, connection: Connection) -> None:
        """Answer what a caller asks until it hangs up."""
        with suppress(*_GONE), connection, self.runs.awaited():
            _Caller(self, connection).serve()

    def cancel_all(self) -> None:
        """Cancel the runs that are under way."""
        for run in tuple(self.under_way):
            run.cancel()


class _Caller:
    """One connection: the caller has the product compiled, and then runs it as compiled."""

    def __init__(self, server: RequestServer, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._artifacts: CompiledArtifacts | None = None

    def serve(self) -> None:
        """Answer until the caller hangs up.

        Raises:
            EOFError, OSError: It did.
        """
        while True:
            request = messages.receive(self._connection)
            try:
                if request["do"] == messages.COMPILE:
                    self._compile(request["reuse"])
                elif request["do"] == messages.CHOOSE:
                    self._choose(request["parameters"], request["among"])
                elif request["do"] == messages.RUN and self._artifacts is not None:
                    self._run(self._artifacts, RunOrder.from_line(request["order"]))
            except FloeError as error:
                self._send({messages.ERROR: messages.of_error(error)})

    def _compile(self, reuse: bool | None) -> None:
        self._send({messages.STAGE: "compiling what changed"})
        found = self._server.product.compiled(reuse)
        self._server.on_compiled(found)
        found.compiled.raise_if_wrong()
        for notice in found.compiled.notices:
            self._send({messages.NOTICE: notice})
        self._artifacts = found.artifacts
        self._send({messages.COMPILED: True})

    def _choose(self, given: Message, among: Sequence[str]) -> None:
        chosen = self._server.product.choose_nodes(given, among)
        self._send({messages.CHOSEN: chosen})

    def _run(self, artifacts: CompiledArtifacts, order: RunOrder) -> None:
        """Run an order, and pass on its events; cancel it if the caller asks or is gone.

        Raises:
            EnvironmentProblemError: The orchestrator is not up for a long time.
        """
        if not self._await_orchestrator(artifacts.orchestrator.name):
            report = RunReport("canceled", "", 0.0, {})
            self._send({messages.REPORT: messages.of_report(report)})
            return
        with self._server.runs.taken() as run, self._noted(run), _heeding(self._connection, run):
            report = run.launch_run(artifacts, order.options, self._pass_on)
        self._send({messages.REPORT: messages.of_report(report)})

    def _await_orchestrator(self, name: str) -> bool:
        """Wait until a run can start; return False if the caller cancels it before.

        Raises:
            EnvironmentProblemError: It can't for a long time.
        """
        runs, seconds = self._server.runs, self._server.start_seconds
        deadline = time.monotonic() + seconds
        if runs.is_ready():
            return True
        self._send({messages.NOTICE: f"waiting for {name}, which `floe dev` is starting"})
        while not runs.is_ready():
            if self._connection.poll(LOOK_SECONDS):
                messages.receive(self._connection)
                return False
            if time.monotonic() > deadline:
                raise EnvironmentProblemError(
                    f"{name} was not up within {seconds:.0f} s; see what `floe dev` prints, "
                    "or end it, and run without it"
                )
        return True

    def _pass_on(self, event: BuildEvent) -> None:
        # A caller that is gone is noticed elsewhere, and its run canceled.
        with suppress(*_GONE):
            self._send({messages.EVENT: to_line(event)})

    def _send(self, message: Message) -> None:
        messages.send(self._connection, message)

    @contextmanager
    def _noted(self, run: DevRun) -> Iterator[None]:
        self._server.under_way.add(run)
        try:
            yield
        finally:
            self._server.under_way.discard(run)


@contextmanager
def _heeding(connection: Connection, run: DevRun) -> Iterator[None]:
    """During the block, cancel a run when its caller asks for it or hangs up."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.is_set():
            with suppress(*_GONE):
                if not connection.poll(LOOK_SECONDS):
                    continue
                messages.receive(connection)
            run.cancel()
            return

    thread = threading.Thread(target=watch, name="floe-caller", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
