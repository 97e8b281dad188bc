"""Powers that a plugin may have beside the interface; core asks for each with `isinstance`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from floe_core.build_events import BuildEvent, NodeResult
from floe_core.helm.settings import HelmSettings
from floe_core.run_parameters import RunParameters
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.time_range import TimeRange

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
    """What to run.

    `node_ids` narrows the job to some nodes; `nominal_time` is aware, in UTC; `range` is what a
    backfill covers in one run. `parameters` say what this run does differently; where `node_ids`
    names nodes, their selection has been made.
    """

    job: str
    node_ids: tuple[str, ...] | None = None
    nominal_time: datetime | None = None
    range: TimeRange | None = None
    parameters: RunParameters = field(default_factory=RunParameters)


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


@dataclass(frozen=True, slots=True)
class UncompiledProduct:
    """A product about to be compiled, in its own folder.

    `imports` are modules that its runs import: those of dbt, where it is a library.
    """

    folder: Path
    name: str
    imports: tuple[str, ...] = ()


@runtime_checkable
class EarlyStarter(Protocol):
    """A plugin that can start what a run needs while the product is compiled.

    Without this power, a run starts when its product is compiled.
    """

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[RunLauncher]:
        """Start processes for one run; `launch_run` of what the block is given uses them.

        They end with the block, whether the run was launched or not. Waits for nothing. What
        fails once the processes are started, `launch_run` raises.

        Raises:
            EnvironmentProblemError: They can't be started now; `launch_run` of the plugin may.
        """


@runtime_checkable
class BackfillLauncher(Protocol):
    """A plugin whose orchestrator has a backfill of its own.

    Without this power, core launches a run for each tick.
    """

    def launch_backfill(
        self,
        artifacts: CompiledArtifacts,
        job_name: str,
        ticks: Sequence[datetime],
        on_event: Callable[[BuildEvent], None],
    ) -> list[RunReport]:
        """Run for each of these ticks, in order, one at a time, and report on each.

        A failed run does not keep those after it from running. The ticks are all that the job's
        schedule has from the first to the last, aware, in UTC.

        Raises:
            EnvironmentProblemError: The orchestrator could not be started here.
        """


@runtime_checkable
class ScheduleController(Protocol):
    """A plugin that can take back and hold back what `schedule_job` set, or floe.yaml.

    Each change is stored, and taken up by an orchestrator that runs before the call returns. Each
    raises ValueError for a job that the product does not have, and EnvironmentProblemError when the
    change could not be stored, or is stored and a running orchestrator does not take it up.
    """

    def unschedule_job(self, job_name: str) -> None:
        """Take the job's schedule away, whatever floe.yaml says."""

    def pause(self, job_name: str) -> None:
        """Keep the job's schedule and let it start nothing.

        Raises:
            ValueError: The job has no schedule.
        """

    def resume(self, job_name: str) -> None:
        """Let the job's schedule start runs again, from its next tick on.

        Raises:
            ValueError: The job has no schedule.
        """

    def reset_schedule(self, job_name: str) -> None:
        """Give the job back the schedule of floe.yaml."""


@runtime_checkable
class TickTeller(Protocol):
    """A plugin that can say when its orchestrator ticks, by the orchestrator's own counting."""

    def ticks_of(
        self, artifacts: CompiledArtifacts, job_name: str, start: datetime, end: datetime
    ) -> list[datetime]:
        """Return the ticks of the job's schedule from `start` to before `end`, in UTC, in order.

        Enabled or not; nothing for a job without a schedule.
        """


@dataclass(frozen=True, slots=True)
class Concept:
    """Something of a product, and what an orchestrator makes of it.

    `here` is what the product has of it, "" for nothing. `loss` says what of it can't be expressed
    there; compile refuses that unless floe.yaml waives the concept by its name.
    """

    name: str
    here: str
    becomes: str
    loss: str = ""


@runtime_checkable
class ConceptExplainer(Protocol):
    """A plugin that can say what its orchestrator makes of each part of a product."""

    def concepts(self, artifacts: CompiledArtifacts) -> list[Concept]:
        """Return every concept of floe, in the order in which a person reads them."""


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What an orchestrator does with a build that failed, by its own definitions.

    `delays` are the seconds before each retry, so that their number is that of the retries. `pool`
    is the pool of which a build takes a slot, "" for none of the product's own.
    """

    delays: tuple[float, ...] = ()
    pool: str = ""


@runtime_checkable
class RetryTeller(Protocol):
    """A plugin that can say how its orchestrator retries, read from what the orchestrator loads."""

    def retry_plan(self, artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
        """Return what the orchestrator does with the job's build when it fails."""


@dataclass(frozen=True, slots=True)
class RunningSchedule:
    """What a running orchestrator itself tells of a job's schedule.

    `next_tick` is in UTC, None where it has no schedule or holds it back.
    """

    next_tick: datetime | None
    is_enabled: bool


@runtime_checkable
class ScheduleReporter(Protocol):
    """A plugin that can ask a running orchestrator for what it has as a job's schedule."""

    def running_schedule(
        self, artifacts: CompiledArtifacts, job_name: str
    ) -> RunningSchedule | None:
        """Return what it tells; None where none answers, or none that has the job."""


@runtime_checkable
class UpdateStarter(Protocol):
    """A plugin whose orchestrator starts a job when ports that it reads were updated.

    Compile refuses `onUpdate` for a plugin without this power.
    """

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """Return what looks at the ledger for a job, as the orchestrator's pages call it."""


@runtime_checkable
class NodePools(Protocol):
    """A plugin whose orchestrator has pools of which single nodes of a build take slots.

    It passes a `NodeSlots` to `floe_core.execution.build`. Compile refuses pools of nodes for a
    plugin without this power.
    """

    def pool_of_nodes(self, pool: str) -> str:
        """Return what a pool of nodes is, as the orchestrator's pages call it."""


@dataclass(frozen=True, slots=True)
class PoolProblem:
    """A pool that a product names, and what is wrong with it in the orchestrator.

    With `blocks` a run waits for it without end; otherwise nothing waits for it.
    """

    pool: str
    what: str
    fix: str
    blocks: bool = False


@runtime_checkable
class PoolChecker(Protocol):
    """A plugin that can ask a running orchestrator for the pools that a product names."""

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        """Return what is wrong with them, within 10 seconds.

        Raises:
            EnvironmentProblemError: The orchestrator does not say.
        """


@runtime_checkable
class ChartOwner(Protocol):
    """A plugin that brings the Helm chart which `get_helm_values` is for."""

    def chart_folder(self) -> Path:
        """Return the folder with Chart.yaml, values.yaml and a closed values.schema.json."""

    def helm_settings_model(self) -> type[HelmSettings]:
        """Return the schema of `plugins.orchestrator.config.helm` for this plugin."""
