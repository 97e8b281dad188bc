"""Powers: optional protocols that a plugin may implement; core checks each with `isinstance`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from floe_core.runs.build_events import BuildEvent, NodeResult
from floe_core.runs.build_events import RunStatus as RunStatus
from floe_core.runs.run_parameters import RunParameters, TimeRange
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.policies import Schedule

if TYPE_CHECKING:
    from floe_core.plugin_api.helm.settings import HelmSettings


@dataclass(frozen=True, slots=True)
class EntryPointFile:
    """The thin file that the orchestrator loads: its name in the product folder, and its text."""

    filename: str
    text: str


@runtime_checkable
class EntryPointWriter(Protocol):
    """A plugin whose orchestrator loads a file in the product folder."""

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        """Return the file that loads this product; the same name always gives the same text."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What to run.

    `node_ids` narrows the job to some nodes; `nominal_time` is aware, in UTC; `range` is the time
    range that a backfill covers in one run. `parameters` are what this run does differently; if
    `node_ids` names nodes, the selection among the parameters has already been applied.
    """

    job: str
    node_ids: tuple[str, ...] | None = None
    nominal_time: datetime | None = None
    range: TimeRange | None = None
    parameters: RunParameters = field(default_factory=RunParameters)


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended, as the orchestrator itself reports it.

    `nodes` maps node id to its result. `look_further` holds sentences for a person: the log folder,
    how to open the web page. `message` says why a run failed when no node's result does.
    """

    status: RunStatus
    run_id: str
    seconds: float
    nodes: dict[str, NodeResult]
    message: str = ""
    look_further: list[str] = field(default_factory=list)


@runtime_checkable
class RunLauncher(Protocol):
    """A plugin that can run a product on this machine, through the orchestrator's own engine."""

    def launch_run(
        self,
        artifacts: CompiledArtifacts,
        options: RunOptions,
        on_event: Callable[[BuildEvent], None],
    ) -> RunReport:
        """Run to the end and return a report; `on_event` receives each event as it happens.

        Leaves no process behind, whatever happens.

        Raises:
            EnvironmentProblemError: The orchestrator could not be started here.
        """


@dataclass(frozen=True, slots=True)
class UncompiledProduct:
    """A product about to be compiled, in its own folder.

    `imports` are the modules that its runs import: those of dbt, if dbt is used as a library.
    """

    folder: Path
    name: str
    imports: tuple[str, ...] = ()


@runtime_checkable
class EarlyStarter(Protocol):
    """A plugin that can start the processes of a run while the product is still being compiled.

    Without this power, a run starts once its product has been compiled.
    """

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[RunLauncher]:
        """Start processes for one run, and yield a launcher whose `launch_run` uses them.

        They end with the block, whether the run was launched or not. Does not wait. A failure
        after the processes were started is raised by `launch_run`.

        Raises:
            EnvironmentProblemError: They can't be started now; the plugin's own `launch_run` may
                still work.
        """


@dataclass(frozen=True, slots=True)
class DevOptions:
    """How to serve products to a developer: the port of the pages, and whether ticks start runs.

    `folder` has the history: that of the product, or of the platform if there are several.
    `variables` are for the environment of all processes: with them, `with_live_schedules` pauses
    the schedules unless ticks start runs.
    """

    folder: Path
    port: int
    follows_schedules: bool
    variables: Mapping[str, str]


class DevRun(RunLauncher, Protocol):
    """The process of one run in a served orchestrator, which has started and waits."""

    def cancel(self) -> None:
        """End the run from another thread, as a user's cancel does; `launch_run` then returns."""

    def has_ended(self) -> bool:
        """Return whether the process has ended, so that another one has to take the run."""


class DevSession(Protocol):
    """An orchestrator that is being served to a developer."""

    @property
    def pages(self) -> str:
        """The address of the orchestrator's pages."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What `configure` takes, so that the plugin's methods reach this orchestrator."""

    def take_up(self, artifacts: CompiledArtifacts) -> None:
        """Have the orchestrator load a product as it is compiled now; wait until it has.

        The first call also waits until the pages respond. The other products are left alone.

        Raises:
            EnvironmentProblemError: It does not load, or has ended.
        """

    def problem(self) -> str:
        """Return why the orchestrator no longer runs, with its last words; "" while it runs."""

    def reap_products(self) -> Mapping[str, str]:
        """Return product -> why, once for each that ended alone; `take_up` starts it again."""

    def start_early(self, product: UncompiledProduct) -> AbstractContextManager[DevRun]:
        """Start the processes of one run in this orchestrator. See `EarlyStarter`."""


@runtime_checkable
class DevServer(Protocol):
    """A plugin that can serve products to a developer: one orchestrator, with its own pages."""

    dev_port: int

    def serve_dev(
        self, products: Sequence[UncompiledProduct], options: DevOptions
    ) -> AbstractContextManager[DevSession]:
        """Start the orchestrator for products that may not be compiled yet; do not wait.

        Its processes end with the block, and with this process. Its history stays for the next
        block; that of a product is also the one of `floe run`. `dev_port` is the port that its
        users expect.

        Raises:
            EnvironmentProblemError: It can't be started here.
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
        """Run the job for each of these ticks, in order, one at a time; return a report for each.

        A failed run does not stop the later ones. The ticks are all those of the job's schedule
        between the first and the last; they are aware, in UTC.

        Raises:
            EnvironmentProblemError: The orchestrator could not be started here.
        """


@runtime_checkable
class ScheduleController(Protocol):
    """A plugin that can remove, pause and reset schedules set by `schedule_job` or floe.yaml.

    Each change is stored, and a running orchestrator applies it before the call returns. Each
    method raises ValueError for a job that the product does not have, and EnvironmentProblemError
    when the change could not be stored, or was stored but not applied by a running orchestrator.
    """

    def unschedule_job(self, job_name: str) -> None:
        """Remove the job's schedule, whatever floe.yaml says."""

    def pause(self, job_name: str) -> None:
        """Let neither ticks nor updates of ports start runs of the job; keep its schedule.

        Raises:
            ValueError: Neither starts it.
        """

    def resume(self, job_name: str) -> None:
        """Let ticks start runs of the job again, from the next one on, and updates.

        Raises:
            ValueError: Neither starts it.
        """

    def reset_schedule(self, job_name: str) -> None:
        """Give the job the schedule of floe.yaml again."""


@runtime_checkable
class TickReporter(Protocol):
    """A plugin that can return the ticks of a schedule as its orchestrator computes them."""

    def ticks_of(self, schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
        """Return the ticks of a schedule from `start` up to, not including, `end`.

        They are in order, in UTC, whether or not the schedule is enabled.
        """


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of floe, such as retries, and what an orchestrator makes of it.

    `here` is what the product has of it, "" for nothing. `loss` is the part of it that the
    orchestrator can't express; compile refuses that unless floe.yaml waives the concept by name.
    """

    name: str
    here: str
    becomes: str
    loss: str = ""


@runtime_checkable
class ConceptExplainer(Protocol):
    """A plugin that can explain what its orchestrator makes of each part of a product."""

    def concepts(self, artifacts: CompiledArtifacts) -> list[Concept]:
        """Return every concept of floe, in the order in which to show them."""


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """How an orchestrator retries a failed build, according to its own definitions.

    `delays` are the seconds before each retry, one for each retry. `pool` is the pool in which a
    build takes a slot, "" if the product names none.
    """

    delays: tuple[float, ...] = ()
    pool: str = ""


@runtime_checkable
class RetryReporter(Protocol):
    """A plugin that can read from what its orchestrator loads how the orchestrator retries."""

    def retry_plan(self, artifacts: CompiledArtifacts, job_name: str) -> RetryPlan:
        """Return how the orchestrator retries the job's build when it fails."""


@dataclass(frozen=True, slots=True)
class RunningSchedule:
    """A job's schedule as a running orchestrator itself reports it.

    `next_tick` is in UTC, None if the job has no schedule or the schedule is paused.
    """

    next_tick: datetime | None
    is_enabled: bool


@runtime_checkable
class OwnerFollower(Protocol):
    """A plugin that makes a running orchestrator apply the owner of a job, which a move changes."""

    def follow_owner(self, artifacts: CompiledArtifacts, job_name: str) -> None:
        """Start or stop the job's schedule there, and start the ticks that it now runs late.

        `artifacts` are those of the product for this orchestrator. Does nothing if none responds.

        Raises:
            EnvironmentProblemError: The orchestrator responds but does not apply it.
        """


@runtime_checkable
class ScheduleReporter(Protocol):
    """A plugin that can query a running orchestrator for a job's schedule."""

    def running_schedule(
        self, artifacts: CompiledArtifacts, job_name: str
    ) -> RunningSchedule | None:
        """Return the schedule; None if no orchestrator responds, or none that has the job."""


@runtime_checkable
class UpdateStarter(Protocol):
    """A plugin whose orchestrator starts a job when ports that the product reads are updated.

    Compile refuses `onUpdate` for a plugin without this power.
    """

    def update_watcher(self, artifacts: CompiledArtifacts, job_name: str) -> str:
        """Return what watches the ledger for a job, in the orchestrator's own words."""


@runtime_checkable
class NodePools(Protocol):
    """A plugin whose orchestrator has pools in which single nodes of a build take slots.

    It passes a `NodeSlots` to `floe_core.execution.build`. Compile refuses pools of nodes for a
    plugin without this power.
    """

    def pool_of_nodes(self, pool: str) -> str:
        """Return what a pool of nodes is, in the orchestrator's own words."""


@dataclass(frozen=True, slots=True)
class PoolProblem:
    """A pool that a product names, and what is wrong with it in the orchestrator.

    If `blocks`, a run waits for the pool forever; otherwise nothing waits for it.
    """

    pool: str
    what: str
    fix: str
    blocks: bool = False


@runtime_checkable
class PoolChecker(Protocol):
    """A plugin that can check the pools that a product names in a running orchestrator."""

    def check_pools(self, artifacts: CompiledArtifacts) -> Sequence[PoolProblem]:
        """Return the problems with these pools, within 10 seconds.

        Raises:
            EnvironmentProblemError: The orchestrator does not respond.
        """


@runtime_checkable
class ChartOwner(Protocol):
    """A plugin that ships the Helm chart that `get_helm_values` is for."""

    def chart_folder(self) -> Path:
        """Return the folder with Chart.yaml, values.yaml and a closed values.schema.json."""

    def helm_settings_model(self) -> type[HelmSettings]:
        """Return the schema of `plugins.orchestrator.config.helm` for this plugin."""
