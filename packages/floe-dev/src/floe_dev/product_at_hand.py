"""A product that is compiled whenever its files have changed, by whoever needs it first."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from floe_core.foundation.errors import FloeError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_dev.compile_process import Compiled, CompileProcess
from floe_dev.kept_parses import is_partly_parsed, model_paths
from floe_dev.messages import Message, of_error
from floe_dev.product_files import ProductFiles, changes, paths_outside


@dataclass(frozen=True, slots=True)
class Compilation:
    """One compile: `changed` are the files that made it necessary, `seconds` how long it took.

    `artifacts` are None if it was not good.
    """

    compiled: Compiled
    changed: tuple[str, ...]
    seconds: float
    artifacts: CompiledArtifacts | None


class ProductAtHand:
    """Compiles a product if its files have changed since the last time; threads take turns."""

    def __init__(self, folder: Path, process: CompileProcess) -> None:
        self.files = ProductFiles(folder)
        self._process = process
        self._turn = threading.Lock()
        self._seen: Mapping[str, bytes] | None = None
        self._latest: Compilation | None = None

    def compiled(self, reuse: bool | None = None) -> Compilation:
        """Return the compilation of the files as they are now: the latest one, or a new one.

        `reuse` overrides `execution.reuse`; then, and if the product reads ports of others, whose
        files are not watched, it is compiled in any case.
        """
        with self._turn:
            latest = self._latest
            if latest is None or reuse is not None or _reads_ports(latest):
                return self._compile(reuse)
            is_new = self.files.snapshot() != self._seen
            return self._compile(None) if is_new else latest

    def recompiled_if_changed(self) -> Compilation | None:
        """Return a new compilation if the product's own files have changed, else None."""
        with self._turn:
            return self._compile(None) if self.files.snapshot() != self._seen else None

    def choose_nodes(self, given: Message, among: Sequence[str]) -> Sequence[str]:
        """Return the nodes that the parameters of a run select. See `chosen_nodes`.

        Raises:
            FloeError: dbt rejects the selection, or it matches none of these nodes.
        """
        with self._turn:
            return self._process.choose_nodes(given, among)

    def _compile(self, reuse: bool | None) -> Compilation:
        began, before = time.monotonic(), self._seen
        self.files.outside = paths_outside(self.files.folder)
        now = self.files.snapshot()
        changed = changes(before or {}, now) if before is not None else ()
        models = model_paths(self.files.folder)
        is_partial = bool(changed) and is_partly_parsed(before or {}, now, models)
        compiled = self._process.compile(reuse, is_partial=is_partial)
        artifacts = None
        try:
            artifacts = None if compiled.error else CompiledArtifacts.load(self.files.folder)
        except FloeError as error:
            compiled = Compiled(of_error(error))
        # With another reuse than that of floe.yaml, the next call compiles again.
        self._seen = now if reuse is None else {}
        self._latest = Compilation(compiled, changed, time.monotonic() - began, artifacts)
        return self._latest


def _reads_ports(latest: Compilation) -> bool:
    return latest.artifacts is None or bool(latest.artifacts.input_ports)
