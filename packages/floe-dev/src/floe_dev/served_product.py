"""One product of a `floe dev`: as it is compiled, as its orchestrator has it, and its runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev.compile_process import CompileProcess
from floe_dev.dev_place import DevPlace, hash_of_environment, new_key, write_place
from floe_dev.orchestrator import FIRST_PAUSE, LONGEST_PAUSE, Orchestrator
from floe_dev.product_at_hand import Compilation, ProductAtHand
from floe_dev.request_server import answering
from floe_dev.terminal import Terminal
from floe_dev.warm_runs import WarmRuns


class ServedProduct:
    """Compiles a product, shows how that went, and has its orchestrator load it."""

    def __init__(
        self,
        product: UncompiledProduct,
        orchestrator: Orchestrator,
        process: CompileProcess,
        terminal: Terminal,
    ) -> None:
        self.product = product
        self.orchestrator = orchestrator
        self.at_hand = ProductAtHand(product.folder, process)
        self.runs = WarmRuns(orchestrator.session, product, orchestrator.is_ready)
        self._terminal = terminal
        # What was shown to the user, the latest that compiles, what the orchestrator has, and what
        # other products have seen.
        self._shown: Compilation | None = None
        self._good: CompiledArtifacts | None = None
        self._loaded: CompiledArtifacts | None = None
        self._has_ended = False
        self._known: CompiledArtifacts | None = None
        self._showing = threading.Lock()
        self._pause, self._loads_again = FIRST_PAUSE, 0.0

    @contextmanager
    def answering(self, on_used: Callable[[ServedProduct], None]) -> Iterator[None]:
        """Answer the commands that use the product during the block, and publish where.

        `on_used` is called, from other threads, when a command has had the product compiled.
        """

        def show(found: Compilation) -> None:
            self.show(found)
            on_used(self)

        key = new_key()
        with answering(key, self.at_hand, self.runs, show) as port:
            write_place(self.product.folder, self._place(port, key))
            yield

    def _place(self, port: int, key: str) -> DevPlace:
        orchestrator, session = self.orchestrator, self.orchestrator.session()
        return DevPlace(
            os.getpid(),
            orchestrator.name,
            session.pages,
            port,
            key,
            hash_of_environment(os.environ),
            dict(session.settings),
            dict(orchestrator.options.variables),
        )

    def compile_if_changed(self) -> bool:
        """Compile if the product's own files have changed; return whether they had."""
        found = self.at_hand.recompiled_if_changed()
        if found is not None:
            self.show(found)
        return found is not None

    def compile_again(self) -> None:
        """Compile, since a product has changed that this one reads."""
        self.show(self.at_hand.compiled())

    def show(self, found: Compilation) -> None:
        """Print a compilation once, whoever asked for it."""
        with self._showing:
            is_new, self._shown = found is not self._shown, found
            self._good = found.artifacts or self._good
        if is_new:
            self._terminal.show(found)
            if found.artifacts is None and self._loaded is not None:
                self._terminal.say("the last good state goes on running", "dim")

    def has_new_offer(self) -> bool:
        """Return whether what others read of it has changed since the last call."""
        artifacts = self._good
        if artifacts is None or artifacts is self._known:
            return False
        before, self._known = self._known, artifacts
        return before is None or _offer(before) != _offer(artifacts)

    @property
    def is_loaded(self) -> bool:
        """Whether the orchestrator has some state of it."""
        return self._loaded is not None

    @property
    def is_late(self) -> bool:
        """Whether the orchestrator does not have the latest good compilation, and should now.

        A run goes first: it reads what was compiled by itself, and needs the cores.
        """
        is_missing = self._has_ended or self._good is not self._loaded
        may_load = self._loaded is None or not self.runs.is_busy
        return is_missing and may_load and time.monotonic() >= self._loads_again

    def take_up(self) -> bool:
        """Have the orchestrator load it; return whether it did. A failure is tried again later."""
        artifacts, is_first, began = self._good, self._loaded is None, time.monotonic()
        assert artifacts is not None
        try:
            self.orchestrator.session().take_up(artifacts)
        except EnvironmentProblemError as error:
            # One that has ended meanwhile is started again, and says so.
            if not self.orchestrator.problem():
                self._terminal.say(str(error), "red")
            self._loads_again = time.monotonic() + self._pause
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
            return False
        self._loaded, self._has_ended, self._pause = artifacts, False, FIRST_PAUSE
        if not is_first:
            took = f"in {time.monotonic() - began:.1f} s"
            self._terminal.say(f"{self.orchestrator.name} has taken it up {took}", "dim")
        return True

    def note_end(self, why: str) -> None:
        """Note that its own process in the orchestrator has ended, so that it is loaded again."""
        self._terminal.say(f"{why}, and is started again", "red")
        self._has_ended = True

    def unload(self) -> None:
        """Note that its orchestrator has ended: its processes belong to that one."""
        self.runs.drop()
        self._loaded, self._has_ended = None, False


def _offer(artifacts: CompiledArtifacts) -> object:
    """Return all that the compile of another product reads of this one."""
    return (
        artifacts.product,
        artifacts.dbt.project_name,
        artifacts.ports,
        [artifacts.by_id[port.node_id] for port in artifacts.ports],
        artifacts.input_ports,
        artifacts.partitions,
    )
