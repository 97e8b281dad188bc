"""floe.yaml: what a data team declares about its product."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from floe_core.schemas import text_forms
from floe_core.schemas.frozen import (
    ApiVersion,
    JobName,
    Name,
    PoolName,
    ShortText,
    Text,
    Vars,
    Version,
    YamlModel,
)
from floe_core.schemas.partitions import PartitionBy, PartitionValue, TickBuilds
from floe_core.schemas.policies import (
    AlertKind,
    BackfillBy,
    Backoff,
    FreshnessPolicy,
    Granularity,
    GroupBy,
    Reuse,
    TestOrder,
)
from floe_core.schemas.ports import OnUpdate, WhenLate

# Sections of the public format that compile ignores, each named once in a notice.
UNUSED_SECTIONS = frozenset(
    {
        "catalog",
        "contracts",
        "destinations",
        "environments",
        "governance",
        "ingestion",
        "inputs",
        "observability",
        "quality",
        "semanticLayer",
        "sla",
        "sources",
        "storage",
    }
)

PortName = Annotated[str, StringConstraints(pattern=text_forms.PORT_NAME.pattern, max_length=63)]
PortVersion = Annotated[
    Annotated[int, Field(ge=0)] | Version,
    text_forms.as_one_problem("port_version", "is no version of a port"),
]
Label = Annotated[str, StringConstraints(max_length=250)]
StepName = Annotated[str, StringConstraints(pattern=text_forms.STEP_NAME.pattern, max_length=63)]
PythonFunction = Annotated[
    str, StringConstraints(pattern=text_forms.PYTHON_FUNCTION.pattern, max_length=250)
]
ImageName = Annotated[str, StringConstraints(pattern=text_forms.IMAGE_NAME.pattern, max_length=500)]


class Metadata(YamlModel):
    """The product's identity. `owner` is an e-mail address or a team's name."""

    name: Name
    version: Version
    owner: Text = ""
    description: Text = ""
    labels: dict[str, Label] = {}


class Platform(YamlModel):
    """Where the platform's manifest is: a path relative to floe.yaml."""

    manifest: ShortText


class ScheduleSpec(YamlModel):
    """When something runs: at the times of `cron`, when ports are updated, or both.

    Without `timezone`, the manifest's default applies.
    """

    cron: ShortText | None = None
    timezone: ShortText | None = None
    enabled: bool = True
    catchup: bool = False
    on_update: OnUpdate | None = None
    wait_seconds: Annotated[int, Field(ge=1, le=2_592_000)] | None = None
    when_late: WhenLate = "run"
    every: PartitionBy | None = None


class TransformSpec(YamlModel):
    """Settings for one dbt node. `dependsOn` must agree with dbt's graph."""

    name: ShortText
    path: Text | None = None
    tags: list[ShortText] = []
    tier: ShortText | None = None
    depends_on: list[ShortText] = []
    compute: ShortText | None = None
    pool: PoolName | None = None


class JobSpec(YamlModel):
    """A part of the product with a schedule of its own, chosen in dbt's selection syntax.

    `vars` are dbt vars for this job's runs; they override the product's. With `full_refresh`, each
    of its runs is one with `--full-refresh`. `pool` and `tests` override those of `execution`.
    """

    name: JobName
    select: ShortText | None = None
    exclude: ShortText | None = None
    selector: ShortText | None = None
    vars: Vars = {}
    full_refresh: bool = False
    tests: TestOrder | None = None
    schedule: ScheduleSpec | None = None
    deadline: ShortText | None = None
    pool: PoolName | None = None


class StepSpec(YamlModel):
    """A process that runs as a node of the graph, beside the nodes of dbt; times in seconds.

    It has either `command`, a program with its arguments, or `python`, a function as
    `module:function`, or `dbt`, the words of a dbt command, or `image`, which runs as a pod with a
    `command` or its own. `reads` names dbt nodes, sources as `source.table`, or what another step
    writes; `writes` names dbt sources, or any other dataset.
    """

    name: StepName
    command: Annotated[list[Text], Field(min_length=1)] | None = None
    python: PythonFunction | None = None
    dbt: Annotated[list[Text], Field(min_length=1)] | None = None
    image: ImageName | None = None
    reads: list[ShortText] = []
    writes: list[ShortText] = []
    description: Text = ""
    owner: Text = ""
    tags: list[ShortText] = []
    meta: dict[str, Any] = {}
    retries: Annotated[int, Field(ge=0, le=100)] | None = None
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800)] | None = None
    pool: PoolName | None = None


class AlertSpec(YamlModel):
    """Who is alerted of which events of this product's runs: an Apprise URL, by reference only."""

    on: Annotated[list[AlertKind], Field(min_length=1)]
    to: ShortText
    jobs: list[JobName] = []


class PartitionsSpec(YamlModel):
    """The part of the product that is built period by period: `by` hour, day, week or month."""

    by: PartitionBy
    start: Annotated[str, StringConstraints(pattern=text_forms.DAY.pattern)]
    timezone: ShortText = "UTC"
    select: ShortText
    exclude: ShortText | None = None
    builds: TickBuilds = "previous"
    lookback: Annotated[int, Field(ge=0, le=1000)] = 0
    vars: dict[ShortText, PartitionValue] = {}


class ArtifactsSpec(YamlModel):
    """Where dbt's own artifacts of each run are written: a folder, or an fsspec URL."""

    to: ShortText
    docs: bool = False
    keep_days: Annotated[int, Field(ge=1)] = 30
    keep_runs: Annotated[int, Field(ge=1)] = 100


class ExecutionSpec(YamlModel):
    """How the product runs; times in seconds. `dbtExecutable` names the product's own dbt."""

    retries: Annotated[int, Field(ge=0, le=100)] = 0
    retry_delay_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    retry_backoff: Backoff = "fixed"
    timeout_seconds: Annotated[int, Field(ge=1, le=604_800)] | None = None
    max_parallel: Annotated[int, Field(ge=1, le=256)] | None = None
    step_threads: Annotated[int, Field(ge=1, le=64)] = 1
    granularity: Granularity = "auto"
    group_by: GroupBy = "folder"
    pool: ShortText | None = None
    backfill_by: Annotated[
        BackfillBy, text_forms.as_one_problem("backfill_by", "is no way to backfill")
    ] = "tick"
    freshness: FreshnessPolicy = "off"
    reuse: Reuse = "off"
    tests: TestOrder = "after_each"
    dbt_executable: ShortText | None = None


class OutputPortSpec(YamlModel):
    """A model, seed or snapshot that other products may read.

    `model` names it as dbt does; without `model`, the port's name is used. Entries of the public
    format may have other keys, which are copied.
    """

    model_config = ConfigDict(extra="allow")

    name: PortName | None = None
    model: ShortText | None = None
    version: PortVersion | None = None
    description: Text = ""


class InputPortSpec(YamlModel):
    """A port of another product that this one reads.

    `columns` maps the columns that the port must have to their types, "" for any type.
    """

    model_config = ConfigDict(extra="allow")

    product: Name | None = None
    port: PortName | None = None
    version: PortVersion | None = None
    columns: dict[ShortText, Annotated[Label, BeforeValidator(text_forms.empty_for_null)]] = {}


class FloeSpec(YamlModel):
    """The whole of floe.yaml."""

    api_version: ApiVersion
    kind: Literal["FloeSpec"]
    metadata: Metadata
    platform: Platform | None = None
    transforms: list[TransformSpec] = []
    schedule: ScheduleSpec | None = None
    deadline: ShortText | None = None
    jobs: list[JobSpec] = []
    steps: list[StepSpec] = []
    vars: Vars = {}
    partitions: PartitionsSpec | None = None
    execution: ExecutionSpec = ExecutionSpec()
    alerts: list[AlertSpec] = []
    artifacts: ArtifactsSpec | None = None
    output_ports: list[OutputPortSpec] = []
    input_ports: list[InputPortSpec] = []
    waivers: list[ShortText] = []
