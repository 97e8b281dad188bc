"""The process that compiles for `floe dev`: it imports dbt once, and is replaced now and then."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from floe_core.foundation.errors import EnvironmentProblemError, FloeError
from floe_dev.messages import Message, error_of, of_error

if TYPE_CHECKING:
    from floe_dev.earlier_parses import ParsesInMemory

# What this process keeps from one compile to the next: folder of the product -> parses.
_earlier_parses: dict[Path, ParsesInMemory] = {}
T = TypeVar("T")
# dbt keeps a little of every parse, so the process is replaced after this many.
COMPILES_OF_A_PROCESS = 40


@dataclass(frozen=True, slots=True)
class Compiled:
    """How a compile ended: its error, None if it was good.

    `notices` are its texts for the user.
    """

    error: Message | None = None
    notices: tuple[str, ...] = ()

    def raise_if_wrong(self) -> None:
        """Raise the error of the compile.

        Raises:
            FloeError: The compile was not good.
        """
        if self.error is not None:
            raise error_of(self.error)


class CompileProcess:
    """Compiles a product on an orchestrator, one compile after the other.

    Products may share the process: each imports dbt, which takes some 150 MB.
    """

    def __init__(self, folder: Path, orchestrator: str, worker: _Worker | None = None) -> None:
        self._folder = folder
        self._orchestrator = orchestrator
        self._worker = worker or _Worker()

    def shared_with(self, folder: Path, orchestrator: str) -> CompileProcess:
        """Return what compiles another product in the same process."""
        return CompileProcess(folder, orchestrator, self._worker)

    def compile(self, reuse: bool | None = None, *, is_partial: bool = False) -> Compiled:
        """Compile in place. An error of the product is returned; a process that died is replaced.

        If `is_partial`, dbt parses what has changed since the last compile.

        Raises:
            EnvironmentProblemError: The process died twice.
        """
        return self._ask(_compile, self._folder, self._orchestrator, reuse, is_partial)

    def choose_nodes(self, given: Message, among: Sequence[str]) -> Sequence[str]:
        """Return the nodes of the compiled product, among these, that parameters of a run select.

        Raises:
            FloeError: dbt rejects the selection, or it matches none of these nodes.
            EnvironmentProblemError: The process died twice.
        """
        chosen, problem = self._ask(_choose, self._folder, given, among)
        if problem is not None:
            raise error_of(problem)
        return chosen

    def _ask(self, function: Callable[..., T], *given: object) -> T:
        for is_last in (False, True):
            pool = self._worker.pool
            try:
                return pool.submit(function, *given).result()
            except BrokenProcessPool:
                self._worker.replace(pool)
                if is_last:
                    what = "the process that compiles was killed, perhaps for lack of memory"
                    raise EnvironmentProblemError(what) from None
        raise AssertionError

    def close(self) -> None:
        """End the process."""
        self._worker.pool.shutdown(cancel_futures=True)


class _Worker:
    """The one process, replaced if it dies; threads take turns."""

    def __init__(self) -> None:
        self.pool = _new_pool()
        self._replacing = threading.Lock()

    def replace(self, broken: ProcessPoolExecutor) -> None:
        with self._replacing:
            if self.pool is broken:
                broken.shutdown(wait=False)
                self.pool = _new_pool()


def _new_pool() -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(
        1,
        mp_context=get_context("spawn"),
        initializer=_prepare,
        max_tasks_per_child=COMPILES_OF_A_PROCESS,
    )
    # The process starts with the first task: let it import while others start.
    pool.submit(os.getpid)
    return pool


def _prepare() -> None:
    """Import what compiles, and end with the parent, not at ^C of the terminal before it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="floe-parent", daemon=True).start()
    with suppress(ImportError):
        import dbt.cli.main  # noqa: F401
    import floe_core.compiler.compile_product
    import floe_core.execution.node_selection  # noqa: F401


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _compile(folder: Path, orchestrator: str, reuse: bool | None, is_partial: bool) -> Compiled:
    from floe_core.compiler import compile_product
    from floe_core.compiler.dbt.parse import using
    from floe_dev.earlier_parses import ParsesInMemory

    notices: list[str] = []
    if not is_partial or folder not in _earlier_parses:
        _earlier_parses[folder] = ParsesInMemory()
    try:
        with using(_earlier_parses[folder]):
            compile_product(
                folder,
                orchestrator=orchestrator,
                reuse=reuse,
                on_notice=notices.append,
                keeps_entry_point=True,
            )
    except FloeError as error:
        return Compiled(of_error(error), tuple(notices))
    return Compiled(None, tuple(notices))


def _choose(
    folder: Path, given: Message, among: Sequence[str]
) -> tuple[Sequence[str], Message | None]:
    """Return what is chosen, and the error if that is none."""
    from floe_core.execution.node_selection import chosen_nodes
    from floe_core.runs.run_parameters import RunParameters
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts

    try:
        artifacts = CompiledArtifacts.load(folder)
        return chosen_nodes(artifacts, RunParameters.given(given), among), None
    except FloeError as error:
        return (), of_error(error)
