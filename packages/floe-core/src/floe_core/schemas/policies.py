"""How a product runs: execution, schedules, lineage, and the dbt project it stands on."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from floe_core.schemas.frozen import Frozen
from floe_core.schemas.ports import UpdateTrigger
from floe_core.schemas.text_forms import TIME_OF_DAY

Granularity = Literal["auto", "node", "group", "product"]
GroupBy = Literal["folder", "level", "tier", "tag"]
Reuse = Literal["off", "unchanged"]
BackfillBy = Literal["tick", "range"]
FreshnessPolicy = Literal["off", "gate", "report"]
AlertKind = Literal["failure", "recovery", "warning", "lateness"]
Backoff = Literal["fixed", "exponential"]


class ExecutionPolicy(Frozen):
    """The failure contract's numbers, times in seconds; no timeout is None.

    `max_parallel` is the number of dbt's threads, None for what the profile says. `step_threads` is
    how many steps may run at a time. `pool` is the
    orchestrator's pool that a build takes a slot of, unless its job names another, "" for none.
    With `freshness`, runs measure
    how old dbt sources are: a stale one holds back what reads it (`gate`) or warns (`report`).
    `reuse` of `unchanged` leaves out
    what a build would make as it stands.
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


class Schedule(Frozen):
    """When a job runs: a cron expression of floe's dialect, read in an IANA time zone.

    `since` is when it was set in the schedule store, None for one of floe.yaml: what the expression
    names before that moment is no tick of this schedule.
    """

    cron: str
    timezone: str = "UTC"
    enabled: bool = True
    since: datetime | None = None


class Deadline(Frozen):
    """By when a job is to have succeeded: a time of day, HH:MM, in an IANA time zone."""

    time: Annotated[str, StringConstraints(pattern=TIME_OF_DAY.pattern)]
    timezone: str = "UTC"


class Job(Frozen):
    """A part of the product that runs together.

    `select`, `exclude` and `selector` are in dbt's own syntax. `node_ids` is what they chose at
    compile time, sorted; None means every node of the product. `vars` are dbt vars of this job's
    runs; they win over the product's. `trigger` starts it when ports are updated. Who asked for
    `lateness` is alerted of a run that has not succeeded by the `deadline`. Builds of the job take
    a slot of `pool`, "" for that of the product.
    """

    name: str
    select: str = ""
    exclude: str = ""
    selector: str = ""
    node_ids: tuple[str, ...] | None = None
    vars: dict[str, Any] = {}
    schedule: Schedule | None = None
    trigger: UpdateTrigger | None = None
    deadline: Deadline | None = None
    pool: str = ""


class LineageSettings(Frozen):
    """Where lineage goes. `config` is the backend's own, secrets as `env_var()` only.

    `namespace` is that of jobs, `dataset_namespace` that of the warehouse's datasets, "" for the
    one that OpenLineage's naming gives.
    """

    enabled: bool = True
    namespace: str = "floe"
    dataset_namespace: str = ""
    backend: str = ""
    config: dict[str, Any] = {}


class TracingSettings(Frozen):
    """Whether spans are wanted, and where they go unless OpenTelemetry's environment says so."""

    enabled: bool = False
    exporter: str = ""
    endpoint: str = ""


class AlertRule(Frozen):
    """Who is told of what: `to` refers to an environment variable that holds an Apprise URL.

    `on` are the kinds of event. `jobs` narrows it to the runs of these jobs, () for all.
    """

    on: tuple[AlertKind, ...]
    to: str
    jobs: tuple[str, ...] = ()


class DbtProject(Frozen):
    """The dbt project inside the product folder.

    `profiles_dir` is relative to the product folder; "" where profiles.yml stays outside of it, in
    DBT_PROFILES_DIR or ~/.dbt, since it holds literal secrets. `profile` is the one output that
    runs, secrets as `env_var()` only. `executable` names a dbt of the product's own, "" for the one
    beside floe.
    `default_selector` is the selector of selectors.yml that dbt uses when a command names no nodes.
    `vars` are the dbt vars of floe.yaml, which every run passes. `project_hash` changes with the
    project's own vars and hooks.
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
