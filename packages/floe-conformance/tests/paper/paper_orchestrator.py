"""An orchestrator of plain Python values, and its plugin, which passes every check."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from paper_dev import ServesOnPaper
from paper_history import AsksForRuns
from paper_pools import AsksForPools
from paper_slots import PaperSlots
from recorded_builds import recorded_build, recorded_canceled_build, recorded_pooled_build

from floe_core.alerts import report_lateness
from floe_core.execution import BuildEnded, BuildRequest, NodeResult
from floe_core.foundation.errors import InvalidProductError, Problem, invalid
from floe_core.foundation.service_probe import NoAnswerError, send_request, without_secrets
from floe_core.plugin_api.helm.settings import (
    HelmProduct,
    HelmSettings,
    helm_settings,
    image_parts,
    resources_block,
)
from floe_core.plugin_api.powers import EntryPointFile
from floe_core.plugin_api.resource_sizes import resources_for
from floe_core.plugin_api.transform_graph import ordered
from floe_core.plugin_interfaces import (
    LINEAGE_EVENT_TYPES,
    Dataset,
    OrchestratorPlugin,
    ResourceSpec,
    TransformConfig,
    ValidationResult,
)
from floe_core.runs.run_parameters import RunParameters
from floe_core.schedules import check_timezone, parse_cron
from floe_core.schedules.claims import claim_tick
from floe_core.schedules.job_schedules import JobSchedules
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job

SIZES = {
    "small": ResourceSpec("250m", "500m", "256Mi", "512Mi"),
    "medium": ResourceSpec("1", "2", "1Gi", "2Gi"),
    "large": ResourceSpec("2", "4", "4Gi", "8Gi"),
}
NO_PARAMETERS = RunParameters()
PLUGINS: dict[str, type[PaperPlugin]] = {}


@dataclass
class PaperTask:
    """What a paper run does: its name, and the names of what it waits for."""

    name: str
    waits_for: set[str] = field(default_factory=set)


@dataclass
class PaperJob:
    """Names of tasks, and the cron expression and zone that start them; at each tick or not."""

    tasks: set[str]
    cron: str = ""
    timezone: str = "UTC"
    catches_up: bool = False

    def ticks(self, start: datetime) -> Iterator[datetime]:
        """Return the ticks by a reading of our own: one time of day, on all days or some."""
        minute, hour, _, _, days = self.cron.split()
        zone = ZoneInfo(self.timezone)
        dates = (start.astimezone(zone).date() + timedelta(days=n) for n in range(365))
        for date in dates:
            tick = datetime.combine(date, time(int(hour), int(minute)), zone)
            if tick >= start and (days == "*" or date.isoweekday() in range(1, 6)):
                yield tick


@dataclass
class PaperPage:
    """What is written down of one run."""

    is_green: bool = False
    ticked_off: set[str] = field(default_factory=set)
    problem: str = ""
    tries: int = 0
    has_failed_step: bool = False
    has_stale_source: bool = False
    has_reused: bool = False

    @property
    def has_failed_before(self) -> bool:
        """Whether something failed that dbt builds nothing of."""
        return self.has_failed_step or self.has_stale_source


@dataclass
class PaperBook:
    """All that the paper orchestrator loads of a product."""

    tasks: list[PaperTask]
    jobs: dict[str, PaperJob]
    run: Callable[..., PaperPage]
    run_and_cancel: Callable[[Callable[[], bool]], PaperPage]
    look_at_the_clock: Callable[[], None]
    run_in_pool: Callable[[int], int]
    run_for_tick: Callable[[datetime], PaperPage]


class PaperPlugin(AsksForPools, AsksForRuns, OrchestratorPlugin):
    """Right in everything that the kit checks; `planted_faults` spoils one method at a time."""

    name, version, floe_api_version = "paper", "1.0.0", "1.0"
    has_look_at_transforms = True
    is_run = False

    def __init__(self) -> None:
        self.settings: Mapping[str, Any] = {}
        self.open_runs: dict[str, str] = {}
        self.runs = 0
        self.defined: CompiledArtifacts | None = None

    def __init_subclass__(cls) -> None:
        key = f"paper-{cls.__name__}"
        if "name" not in vars(cls):
            cls.name = key
        PLUGINS[key] = cls

    @classmethod
    def made(cls) -> PaperPlugin:
        return cls()

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def create_definitions(self, artifacts: CompiledArtifacts) -> Any:
        problems = [*self.graph_problems(artifacts), *self.schedule_problems(artifacts)]
        if problems:
            raise InvalidProductError(problems)
        if artifacts.project_dir is None:
            raise self.without_a_folder(artifacts)
        self.defined = artifacts
        live = self.live(artifacts)
        nodes = [node for node in live.nodes if node.is_runnable or node.resource_type == "source"]
        return PaperBook(
            [PaperTask(node.name, self.upstream(node, artifacts)) for node in nodes],
            {job.name: self.job(job, live) for job in live.jobs if self.has(job)},
            partial(self.run, live),
            partial(self.run_and_cancel, live),
            partial(self.look_at_the_clock, live),
            partial(self.run_in_pool, live),
            partial(self.run_for_tick, live),
        )

    def graph_problems(self, artifacts: CompiledArtifacts) -> list[Problem]:
        wanted = [parent for node in artifacts.nodes for parent in node.depends_on]
        wanted += [node_id for job in artifacts.jobs for node_id in job.node_ids or ()]
        return [Problem(f"no node {name}") for name in wanted if name not in artifacts.by_id]

    def schedule_problems(self, artifacts: CompiledArtifacts) -> list[Problem]:
        found = []
        for schedule in [job.schedule for job in artifacts.jobs if job.schedule]:
            for check, text in ((parse_cron, schedule.cron), (check_timezone, schedule.timezone)):
                try:
                    check(text)
                except ValueError as error:
                    found.append(Problem(str(error)))
        return found

    def without_a_folder(self, artifacts: CompiledArtifacts) -> Exception:
        loader = f"paper_orchestrator.load_{type(self).__name__}"
        return invalid("no folder", fix=f"call {loader}({artifacts.product.name!r}, project_dir)")

    def live(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        return with_live_schedules(artifacts)

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        return {artifacts.by_id[parent].name for parent in node.depends_on}

    def has(self, job: Job) -> bool:
        return True

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = PaperJob({node.name for node in artifacts.nodes_of(job)})
        if job.schedule and job.schedule.enabled:
            made.cron, made.timezone = job.schedule.cron, job.schedule.timezone
            made.catches_up = job.schedule.catchup
        return made

    def run(
        self, artifacts: CompiledArtifacts, parameters: RunParameters = NO_PARAMETERS
    ) -> PaperPage:
        page = PaperPage()
        self.runs += 1
        name = "-".join([f"paper-run-{self.runs}", *parameters.as_given()])
        while not page.is_green and page.tries < self.tries(artifacts):
            page.tries += 1
            request = self.request(artifacts, name, page.tries)
            told = replace(request, parameters=self.told(parameters))
            self.build(artifacts, told, page)
        return page if parameters.as_given() else self.closed(page)

    def run_for_tick(self, artifacts: CompiledArtifacts, tick: datetime) -> PaperPage:
        is_refused = self.why_not(artifacts, tick)
        return PaperPage(is_green=True) if is_refused else self.run(artifacts)

    def why_not(self, artifacts: CompiledArtifacts, tick: datetime) -> str:
        return claim_tick(artifacts, artifacts.product.name, tick, "paper-run")

    def told(self, parameters: RunParameters) -> RunParameters:
        return parameters

    def run_and_cancel(
        self, artifacts: CompiledArtifacts, it_hangs: Callable[[], bool]
    ) -> PaperPage:
        page = PaperPage(tries=1)
        request = self.request(artifacts, "paper-run", 1)
        for event in recorded_canceled_build(artifacts, request, it_hangs):
            if isinstance(event, NodeResult):
                self.note(event, artifacts.by_id[event.unique_id], page)
        return self.broken_off(page, artifacts)

    def pool_of_nodes(self, pool: str) -> str:
        return f"the lines for {pool}"

    def run_in_pool(self, artifacts: CompiledArtifacts, slots: int) -> int:
        made = self.slots(slots)
        request = BuildRequest(artifacts.product.name, f"paper-{type(made).__name__}")
        recorded_pooled_build(self.pooled(artifacts), request, made)
        return self.taken(made)

    def pooled(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        return artifacts

    def slots(self, slots: int) -> PaperSlots:
        return PaperSlots(slots)

    def taken(self, slots: PaperSlots) -> int:
        return len(slots.taken)

    def look_at_the_clock(self, artifacts: CompiledArtifacts) -> None:
        report_lateness(artifacts)

    def tries(self, artifacts: CompiledArtifacts) -> int:
        return artifacts.retries + 1

    def request(self, artifacts: CompiledArtifacts, run_id: str, attempt: int) -> BuildRequest:
        return BuildRequest(artifacts.product.name, run_id, attempt=attempt)

    def build(self, artifacts: CompiledArtifacts, request: BuildRequest, page: PaperPage) -> None:
        for event in recorded_build(artifacts, request):
            if isinstance(event, NodeResult):
                self.note(event, artifacts.by_id[event.unique_id], page)
            elif isinstance(event, BuildEnded):
                page.is_green, page.problem = event.succeeded, event.message

    def note(self, result: NodeResult, node: Node, page: PaperPage) -> None:
        page.has_failed_step |= node.is_step and not result.passed
        page.has_reused |= result.status == "reused"
        page.has_stale_source |= node.is_freshness and not result.passed
        if result.passed:
            page.ticked_off.add(node.name)

    def closed(self, page: PaperPage) -> PaperPage:
        return page

    def broken_off(self, page: PaperPage, artifacts: CompiledArtifacts) -> PaperPage:
        return page

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        artifacts = CompiledArtifacts.load(project_dir)
        if artifacts.product.name != product_name:
            raise invalid(f"it is of product {artifacts.product.name}, not {product_name}")
        return cls.made().create_definitions(artifacts)

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        return EntryPointFile("paper_book.py", f"PRODUCT = {product_name!r}\n")

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        names = {transform.name for transform in transforms}
        return [PaperTask(t.name, names & {*t.depends_on}) for t in ordered(transforms)]

    def get_helm_values(self) -> dict[str, Any]:
        settings = helm_settings(self.helm_settings_model(), self.settings)
        found = {"tag": self.version, "desk": self.desk(settings)}
        return {**found, "products": [self.sheet(product) for product in settings.products]}

    def desk(self, settings: HelmSettings) -> dict[str, Any]:
        return resources_block(self.get_resource_requirements(settings.size))

    def sheet(self, product: HelmProduct) -> dict[str, Any]:
        return {"name": product.name, "image": image_parts(product.image)}

    def helm_settings_model(self) -> type[HelmSettings]:
        return HelmSettings

    def chart_folder(self) -> Path:
        return Path(__file__).parent / "chart"

    def validate_connection(self) -> ValidationResult:
        url = self.settings["url"]
        try:
            answer = send_request("GET", url, deadline=self.deadline())
        except NoAnswerError as error:
            return ValidationResult(False, errors=[error.reason])
        return self.judged(answer.status, answer.body, without_secrets(url))

    def deadline(self) -> float:
        return monotonic() + 0.2

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        is_paper = status == 200 and body == b"paper"
        errors = [] if is_paper else [f"{where} is no paper orchestrator ({status}); set url"]
        return ValidationResult(is_paper, errors=errors)

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        presets = self.settings.get("resource_presets") or {}
        return resources_for(workload_size, SIZES, presets)

    def emit_lineage_event(
        self, event_type: str, job: str, inputs: list[Dataset], outputs: list[Dataset]
    ) -> None:
        if event_type not in LINEAGE_EVENT_TYPES:
            raise ValueError(f"no type {event_type}; there are {', '.join(LINEAGE_EVENT_TYPES)}")
        if self.has_backend():
            run_id = self.run_id(event_type, job)
            self.send(self.event(event_type, job, run_id), inputs, outputs)

    def has_backend(self) -> bool:
        return any(name in os.environ for name in ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG"))

    def run_id(self, event_type: str, job: str) -> str:
        if event_type == "START":
            self.open_runs[job] = str(uuid4())
        return self.open_runs.get(job) or str(uuid4())

    def event(self, event_type: str, job: str, run_id: str) -> Any:
        from openlineage.client.event_v2 import Job as LineageJob
        from openlineage.client.event_v2 import Run, RunEvent, RunState

        return RunEvent(
            eventType=RunState(event_type),
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(runId=run_id),
            job=LineageJob(namespace="paper", name=job),
            producer="https://paper.example.com",
        )

    def send(self, event: Any, inputs: list[Dataset], outputs: list[Dataset]) -> None:
        from openlineage.client import OpenLineageClient
        from openlineage.client.event_v2 import InputDataset, OutputDataset

        event.inputs = [InputDataset(namespace=d.namespace, name=d.name) for d in inputs]
        event.outputs = [OutputDataset(namespace=d.namespace, name=d.name) for d in outputs]
        OpenLineageClient().emit(event)

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        JobSchedules.of_plugin(self.defined, self.settings).set(job_name, cron, timezone)


class PaperPluginThatIsRun(ServesOnPaper, PaperPlugin):
    """The right plugin once more, with what its runs come to."""

    is_run = True


PLUGINS["paper"] = PaperPlugin


def __getattr__(name: str) -> Callable[[str, Path], PaperBook]:
    """Return the loader of the plugin class that a name ends with."""
    if not name.startswith("load_"):
        raise AttributeError(name)
    classes = {each.__name__: each for each in PLUGINS.values()}
    return partial(classes[name.removeprefix("load_")].load_product)
