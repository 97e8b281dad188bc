"""The life of a `floe dev`: start, take up what changes, start again what ended, stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from floe_core.foundation.errors import EnvironmentProblemError
from floe_dev.changed_files import wakes
from floe_dev.orchestrator import Orchestrator
from floe_dev.platform_choice import producers_of
from floe_dev.served_product import ServedProduct
from floe_dev.terminal import Naps, Terminal

# The products used last have the processes of a run ready, which take some 300 MB each.
MOST_READY = 2
# Between two tries to start an orchestrator: a try may cost as much as a start.
LOOK_SECONDS, LONGEST_PAUSE = 0.5, 8.0


class Workshop:
    """Serves products on their orchestrators until it is interrupted; producers come first."""

    def __init__(self, products: Sequence[ServedProduct], terminal: Terminal) -> None:
        self._products = products
        self._orchestrators = list(dict.fromkeys(each.orchestrator for each in products))
        self._terminal = terminal
        self._stop = threading.Event()
        # Those whose producers have changed.
        self._outdated: set[ServedProduct] = set()
        self._used: list[ServedProduct] = []
        self._using = threading.Lock()
        self._shown: set[Orchestrator] = set()

    def serve(self) -> None:
        """Serve until an interrupt, and leave no process."""
        with ExitStack() as stack:
            for orchestrator in self._orchestrators:
                stack.callback(orchestrator.stop)
                self._start(orchestrator)
            for product in self._products:
                stack.callback(product.runs.close)
                stack.enter_context(product.answering(self._keep_ready))
            for product in self._products[:MOST_READY]:
                self._keep_ready(product)
            self._follow()

    def _start(self, orchestrator: Orchestrator) -> None:
        """Start an orchestrator, as soon as it can be: a run of its own may use its history."""
        said, pause = "", LOOK_SECONDS
        while True:
            try:
                orchestrator.start()
            except EnvironmentProblemError as error:
                if str(error) != said:
                    said = str(error)
                    self._terminal.say(
                        f"{said}; waiting until {orchestrator.name} can start", "red"
                    )
                time.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
            else:
                return

    def _follow(self) -> None:
        naps = Naps()
        while True:
            outside = self._outside()
            folders = [each.product.folder for each in self._products]
            for may_have_changed in wakes(folders, outside, self._stop):
                if slept := naps.seconds():
                    self._terminal.say(f"this machine slept for {slept / 60:.0f} min; going on")
                for orchestrator in self._orchestrators:
                    self._tend(orchestrator)
                self._compile(bool(may_have_changed or slept))
                self._take_up()
                if self._outside() != outside:
                    break

    def _outside(self) -> tuple[Path, ...]:
        found = (path for each in self._products for path in each.at_hand.files.outside)
        return tuple(dict.fromkeys(found))

    def _compile(self, may_have_changed: bool) -> None:
        """Compile what has changed, and the products that read what it offers."""
        for product in self._products:
            if product in self._outdated:
                product.compile_again()
            elif may_have_changed:
                product.compile_if_changed()
            self._outdated.discard(product)
            if product.has_new_offer():
                name = product.product.name
                self._outdated |= {each for each in self._products if name in _producers(each)}

    def _take_up(self) -> None:
        """Have the orchestrators load the latest good compilations, unless they have."""
        for product in self._products:
            orchestrator = product.orchestrator
            can_load = orchestrator.is_up and not orchestrator.problem()
            if not (product.is_late and can_load):
                continue
            is_loaded = product.take_up()
            if not orchestrator.problem():
                orchestrator.note_load()
            if is_loaded:
                self._show_pages(orchestrator)
                self._keep_ready(product)

    def _show_pages(self, orchestrator: Orchestrator) -> None:
        """Print the pages once all products that compile are in them."""
        others = [each for each in self._products if each.orchestrator is orchestrator]
        if orchestrator in self._shown or any(each.is_late for each in others):
            return
        self._shown.add(orchestrator)
        loaded = [each.product.name for each in others if each.is_loaded]
        what = "the product" if len(self._products) == 1 else ", ".join(loaded)
        pages = orchestrator.session().pages
        self._terminal.say(f"{orchestrator.name}'s pages, with {what}: {pages}", "bold")
        if len(self._shown) == len(self._orchestrators):
            self._terminal.say("`floe run` uses them; watching the files, ^C stops everything")

    def _keep_ready(self, product: ServedProduct) -> None:
        with self._using:
            others = [each for each in self._used if each is not product]
            self._used = [product, *others][:MOST_READY]
            dropped = [each for each in others if each not in self._used]
        for each in dropped:
            each.runs.drop()
        product.runs.prepare()

    def _tend(self, orchestrator: Orchestrator) -> None:
        """Start an orchestrator again that has ended, after a rest."""
        if orchestrator.may_start:
            try:
                orchestrator.start()
            except EnvironmentProblemError as error:
                self._let_rest(orchestrator, str(error))
        elif orchestrator.is_up and (problem := orchestrator.problem()):
            self._let_rest(orchestrator, problem)
        for name, why in orchestrator.reap_products().items():
            for product in self._products:
                if product.product.name == name:
                    product.note_end(why)

    def _let_rest(self, orchestrator: Orchestrator, problem: str) -> None:
        self._terminal.show_end(f"{orchestrator.name} has ended", problem)
        self._shown.discard(orchestrator)
        for product in self._products:
            if product.orchestrator is orchestrator:
                product.unload()
        pause = orchestrator.rest()
        self._terminal.say(f"starting {orchestrator.name} again in {pause:.0f} s", "yellow")


def _producers(product: ServedProduct) -> frozenset[str]:
    return producers_of(product.product.folder)
