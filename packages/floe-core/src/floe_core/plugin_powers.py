"""Powers that a plugin may have beside the interface; core asks for each with `isinstance`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from floe_core.execution.events import BuildEvent, NodeResult
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

RunStatus = Literal["success", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class EntryPointFile:
    """The thin file that the orchestrator loads: a name in the product folder, and its text."""

    filename: str
    text: str


@runtime_checkable
class EntryPointWriter(Protocol):
    """A plugin whose orchestrator loads a file of the product folder."""

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        """Return the file that loads this product; the same text for the same name."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run. `node_ids` narrows the job to some nodes; `nominal_time` is aware, in UTC."""

    job: str
    node_ids: tuple[str, ...] | None = None
    nominal_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended, as the orchestrator itself tells it.

    `nodes` maps node id to its result. `look_further` are sentences for a person: log folder, how
    to open the web page. `message` says why a run failed when no node tells.
    """

    status: RunStatus
    run_id: str
    seconds: float
    nodes: dict[str, NodeResult]
    message: str = ""
    look_further: list[str] = field(default_factory=list)


@runtime_checkable
class RunLauncher(Protocol):
    """A plugin that can run a product here, through the orchestrator's own engine."""

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """Run to the end and report; `on_event` hears each event as it happens.

        Leaves no process behind, whatever happens.

        Raises:
            EnvironmentProblemError: The orchestrator could not be started here.
        """
