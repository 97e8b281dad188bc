"""How a product runs: execution, schedules, lineage, and its dbt project."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, StringConstraints
from pydantic.json_schema import SkipJsonSchema

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.ports import UpdateTrigger
from floe_core.schemas.text_forms import TIME_OF_DAY

Granularity = Literal["auto", "node", "group", "product"]
GroupBy = Literal["folder", "level", "tier", "tag"]
Reuse = Literal["off", "unchanged"]
BackfillBy = Literal["tick", "range"] | Annotated[int, Field(ge=1, le=10_000)]
TestOrder = Literal["after_each", "after_all"]
FreshnessPolicy = Literal["off", "gate", "report"]
AlertKind = Literal["failure", "recovery", "warning", "lateness"]
Backoff = Literal["fixed", "exponential"]


class ExecutionPolicy(Frozen):
    """Retries, timeouts and other limits of a run; times in seconds, None for no timeout.

    `max_parallel` is the number of dbt's threads, None for the profile's own. `step_threads` is how
    many steps may run at a time. `pool` is the orchestrator's pool in which a build takes a slot
    unless its job names another, "" for none. With `freshness`, runs measure how old dbt sources
    are: a stale one holds back the nodes that read it (`gate`) or causes a warning (`report`).
    `reuse` of `unchanged` leaves out the nodes that a build would not change. With `tests` of
    `after_all`, tests run once everything is built, and none of them holds back a node.
    A `backfill_by` that is a number is how many partitions a run builds at a time.
    """

    retries: int = 0
    retry_delay_seconds: int = 30
    retry_backoff: Backoff = "fixed"
    timeout_seconds: int | None = None
    max_parallel: int | None = None
    step_threads: int = 1
    granularity: Granularity = "auto"
    group_by: GroupBy = "folder"
    pool: str = ""
    backfill_by: BackfillBy = "tick"
    freshness: FreshnessPolicy = "off"
    reuse: Reuse = "off"
    tests: TestOrder = "after_each"


class Schedule(Frozen):
    """When a job runs: a cron expression in floe's dialect, evaluated in an IANA time zone.

    With `catchup`, each tick since the job's last run has a run of its own, in order; else only the
    latest tick has. `since` is when it was set in the schedule store, None for a schedule of
    floe.yaml. The schedule has no ticks before that moment.
    """

    cron: str
    timezone: str = "UTC"
    enabled: bool = True
    catchup: bool = False
    since: datetime | None = None


class Deadline(Frozen):
    """When a job must have succeeded: a time of day, HH:MM, in an IANA time zone."""

    time: Annotated[str, StringConstraints(pattern=TIME_OF_DAY.pattern)]
    timezone: str = "UTC"


class Owner(Frozen):
    """The orchestrator that starts a job, of several with one schedule store; times in UTC.

    A schedule of it that floe does not manage is `orchestrator:name`.
    `epoch` is raised by each move. The owner runs the ticks from `first_tick` on; while a move is
    under way only those before `until`, and `next` is who runs the others. Each tick from
    `late_from` up to `late_until` runs even if it is late: they passed during a move. None stands
    for `first_tick` and for now.
    """

    orchestrator: str
    epoch: Annotated[int, Field(ge=1)]
    first_tick: AwareDatetime
    until: AwareDatetime | None = None
    next: str = ""
    late_from: AwareDatetime | None = None
    late_until: AwareDatetime | None = None


class Job(Frozen):
    """A part of the product that runs together.

    `select`, `exclude` and `selector` are in dbt's own syntax. `node_ids` are the nodes that they
    selected at compile time, sorted; None means every node of the product. `vars` are dbt vars of
    this job's runs; they override the product's. With `full_refresh`, each run has dbt's
    `--full-refresh`. `trigger` starts the job when ports are updated. If it has not succeeded by
    the `deadline`, alerts on `lateness` are sent. Builds of the job take a slot in `pool`, "" for
    the product's pool. `tests` overrides that of the product's execution.
    """

    name: str
    select: str = ""
    exclude: str = ""
    selector: str = ""
    node_ids: tuple[str, ...] | None = None
    vars: dict[str, Any] = {}
    full_refresh: bool = False
    tests: TestOrder | None = None
    schedule: Schedule | None = None
    trigger: UpdateTrigger | None = None
    deadline: Deadline | None = None
    pool: str = ""
    # From the schedule store; it is not compiled.
    owner: SkipJsonSchema[Owner | None] = Field(default=None, exclude=True)

    @property
    def starts_itself(self) -> bool:
        """Whether ticks or updates start it."""
        return any(each is not None and each.enabled for each in (self.schedule, self.trigger))

    @property
    def is_paused(self) -> bool:
        """Whether ticks or updates would start it, but are switched off."""
        return bool(self.schedule or self.trigger) and not self.starts_itself


class LineageSettings(Frozen):
    """Where lineage is sent. `config` is the backend's own, secrets as `env_var()` only.

    `namespace` is that of jobs, `dataset_namespace` that of the warehouse's datasets, "" for the
    one that OpenLineage's naming rules give.
    """

    enabled: bool = True
    namespace: str = "floe"
    dataset_namespace: str = ""
    backend: str = ""
    config: dict[str, Any] = {}


class TracingSettings(Frozen):
    """Whether spans are wanted, and their destination unless OpenTelemetry's variables name one."""

    enabled: bool = False
    exporter: str = ""
    endpoint: str = ""


class AlertRule(Frozen):
    """Who is alerted of what: `to` refers to an environment variable that holds an Apprise URL.

    `on` are the kinds of event. `jobs` narrows the rule to the runs of these jobs, () for all.
    """

    on: tuple[AlertKind, ...]
    to: str
    jobs: tuple[str, ...] = ()


class DbtFiles(Frozen):
    """Where dbt's artifacts of each run are written; with `docs`, its catalog and its site too.

    `to` is an fsspec URL, a folder relative to the compiled one, or a reference. A run's files are
    removed after `keep_days`, or once `keep_runs` runs are newer.
    """

    to: str
    docs: bool = False
    keep_days: int = 30
    keep_runs: int = 100


CONNECTION = "connection:"
# Ends a field that a connection may lack.
OPTIONAL = "?"


class DbtProject(Frozen):
    """The dbt project inside the product folder.

    `profiles_dir` is relative to the product folder; "" if profiles.yml stays outside of it, in
    DBT_PROFILES_DIR or ~/.dbt, because it holds literal secrets. `profile` is the one output that
    is used, secrets as `env_var()` only. `executable` names the product's own dbt, "" for the dbt
    installed beside floe.
    `default_selector` is the selector of selectors.yml that dbt uses when a command names no nodes.
    `vars` are the dbt vars of floe.yaml, which every run passes. `project_hash` changes with the
    project's own vars and hooks. `packages_path` is where `dbt deps` installs packages, relative to
    the product folder. `value_sources` is variable of the profile -> where a run reads its value,
    `connection:NAME#FIELD`, with a `?` if it may lack the field, or `file:/PATH`;
    `connection_reader` names the entry point in `floe.connections` that reads connections, which is
    the orchestrator's.
    """

    project_name: str
    profile_name: str
    target_name: str
    adapter: str
    version: str
    profiles_dir: str = "."
    profile: dict[str, Any] = {}
    executable: str = ""
    default_selector: str = ""
    vars: dict[str, Any] = {}
    project_hash: str = ""
    packages_path: str = "dbt_packages"
    value_sources: dict[str, str] = {}
    connection_reader: str = ""

    @property
    def connections(self) -> frozenset[str]:
        """The names of the connections that the profile takes values from."""
        found = (each.partition("#")[0] for each in self.value_sources.values())
        return frozenset(
            each.removeprefix(CONNECTION) for each in found if each.startswith(CONNECTION)
        )

    @property
    def major_version(self) -> int:
        """The major version of dbt."""
        return int(self.version.partition(".")[0])

    def package_folder(self, package: str) -> str:
        """Return the folder of a package, relative to the product's; "" for the project's own."""
        return "" if package == self.project_name else f"{self.packages_path}/{package}"
