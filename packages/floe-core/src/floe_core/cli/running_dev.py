"""What `floe dev` gives to other commands: a running one, and dbt's parses of earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from floe_core.cli.console import notice
from floe_core.plugin_api.powers import RunLauncher

if TYPE_CHECKING:
    from floe_core.runs.run_parameters import RunParameters
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts


# An entry point: a function that returns a `RunningDev`, or None if none can be used.
GROUP, FILE = "floe.running_dev", "dev.json"


class RunningDev(RunLauncher, Protocol):
    """A `floe dev`, which compiles and runs in processes that have imported everything.

    With `settings`, its plugin reaches the orchestrator that is up; `variables` are those of the
    orchestrator's processes.
    """

    settings: Mapping[str, str]
    variables: Mapping[str, str]

    def compile(self, reuse: bool | None, on_notice: Callable[[str], None]) -> CompiledArtifacts:
        """Return the product as it is now. See `compile_product`."""

    def choose_nodes(
        self, artifacts: CompiledArtifacts, parameters: RunParameters, among: Iterable[str]
    ) -> tuple[str, ...]:
        """Return the nodes that the parameters select in what `compile` returned.

        See `chosen_nodes`: this process need not import dbt.
        """

    def close(self) -> None:
        """Hang up."""


@contextmanager
def running_dev(product: Path, on: str | None) -> Iterator[RunningDev | None]:
    """Yield the product's `floe dev` if one is up and serves the orchestrator; else None."""
    from floe_core.foundation.entry_points import installed_points
    from floe_core.storage.state_folder import state_place

    folder = product.absolute()
    is_noted = (state_place(folder) / FILE).exists()
    point = installed_points(GROUP).get("dev") if is_noted else None
    found: RunningDev | None = point.load()(folder, on, notice) if point is not None else None
    try:
        yield found
    finally:
        if found is not None:
            found.close()


# An entry point: a function of the product's folder that returns a context for its compile.
PARSES_GROUP = "floe.kept_parses"


def kept_parses(product: Path) -> AbstractContextManager[None]:
    """Let a compile in place, in the block, parse only what has changed since the last one."""
    from floe_core.foundation.entry_points import installed_points

    point = installed_points(PARSES_GROUP).get("dev")
    return point.load()(product.absolute()) if point is not None else nullcontext()
