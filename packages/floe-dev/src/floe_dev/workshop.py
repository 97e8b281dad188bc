"""The life of a `floe dev`: start, take up what changes, start again what ended, stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.plugin_api.powers import DevOptions, DevServer, UncompiledProduct
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev.changed_files import wakes
from floe_dev.compile_process import CompileProcess
from floe_dev.dev_place import DevPlace, new_key, write_place
from floe_dev.orchestrator import Orchestrator
from floe_dev.product_at_hand import Compilation, ProductAtHand
from floe_dev.request_server import answering
from floe_dev.terminal import Naps, Terminal
from floe_dev.warm_runs import WarmRuns


class Workshop:
    """Serves one product on one orchestrator until it is interrupted."""

    def __init__(
        self, folder: Path, name: str, orchestrator: Orchestrator, terminal: Terminal
    ) -> None:
        self._folder = folder
        self._name = name
        self._orchestrator = orchestrator
        self._terminal = terminal
        self._stop = threading.Event()
        # What the orchestrator has, and what was shown to the user.
        self._loaded: CompiledArtifacts | None = None
        self._shown: Compilation | None = None
        self._showing = threading.Lock()

    def serve(self, product: UncompiledProduct) -> None:
        """Serve until an interrupt, and leave no process."""
        with ExitStack() as stack:
            process = CompileProcess(self._folder, self._name)
            stack.callback(process.close)
            at_hand = ProductAtHand(self._folder, process)
            stack.callback(self._orchestrator.stop)
            self._orchestrator.start()
            runs = WarmRuns(self._orchestrator.session, product)
            stack.callback(runs.close)
            key = new_key()
            port = stack.enter_context(answering(key, at_hand, runs, self._show))
            runs.prepare()
            self._follow(at_hand, runs, lambda pages: self._publish(pages, port, key))

    def _publish(self, pages: str, port: int, key: str) -> None:
        write_place(self._folder, DevPlace.of_this_process(self._name, pages, port, key))

    def _follow(
        self, at_hand: ProductAtHand, runs: WarmRuns, publish: Callable[[str], None]
    ) -> None:
        publish(self._orchestrator.session().pages)
        naps = Naps()
        while True:
            watched = at_hand.files.outside
            for may_have_changed in wakes(self._folder, watched, self._stop):
                if slept := naps.seconds():
                    self._terminal.say(f"this machine slept for {slept / 60:.0f} min; going on")
                if problem := self._orchestrator.problem():
                    self._restart(problem, runs)
                if may_have_changed or slept:
                    found = at_hand.recompiled_if_changed()
                    if found is not None:
                        self._show(found)
                self._take_up(runs)
                if at_hand.files.outside != watched:
                    break

    def _show(self, found: Compilation) -> None:
        """Print a compilation once, whoever asked for it."""
        with self._showing:
            is_new, self._shown = found is not self._shown, found
        if is_new:
            self._terminal.show(found)
            if found.artifacts is None and self._loaded is not None:
                self._terminal.say("the last good state goes on running", "dim")

    def _take_up(self, runs: WarmRuns) -> None:
        """Have the orchestrator load the latest good compilation, unless it has.

        A run goes first: it reads what was compiled by itself, and needs the cores.
        """
        shown = self._shown
        artifacts = shown.artifacts if shown is not None else None
        if artifacts is None or artifacts is self._loaded:
            return
        is_first, began = self._loaded is None, time.monotonic()
        if runs.is_busy and not is_first:
            return
        self._loaded = artifacts
        try:
            self._orchestrator.take_up(artifacts)
        except EnvironmentProblemError as error:
            if is_first:
                self._restart(str(error), runs)
            else:
                self._terminal.say(str(error), "red")
            return
        pages = self._orchestrator.session().pages
        took = f"in {time.monotonic() - began:.1f} s"
        if is_first:
            self._terminal.say(f"{self._name}'s pages, with the product: {pages}", "bold")
            self._terminal.say("`floe run` uses them; watching the files, ^C stops everything")
        else:
            self._terminal.say(f"{self._name} has taken it up {took}", "dim")
        runs.prepare()

    def _restart(self, problem: str, runs: WarmRuns) -> None:
        """Start an orchestrator again that has ended."""
        self._terminal.say(problem, "red")
        pause = self._orchestrator.pause_before_restart()
        self._terminal.say(f"starting {self._name} again in {pause:.0f} s", "yellow")
        runs.drop()
        self._orchestrator.stop()
        time.sleep(pause)
        self._loaded = None
        try:
            self._orchestrator.start()
        except EnvironmentProblemError as error:
            self._terminal.say(str(error), "red")


def serve(
    folder: Path, server: DevServer, product: UncompiledProduct, options: DevOptions, name: str
) -> None:
    """Serve a product until an interrupt."""
    terminal = Terminal()
    Workshop(folder, name, Orchestrator(server, product, options), terminal).serve(product)
