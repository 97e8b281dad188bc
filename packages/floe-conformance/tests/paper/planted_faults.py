"""Plugins each broken in one way; `caught_by` is the one check that must fail with it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from paper_orchestrator import SIZES, PaperBook, PaperJob, PaperPage, PaperPlugin, PaperTask

from floe_core.errors import Problem, invalid
from floe_core.execution import NodeResult
from floe_core.plugin_interfaces import Dataset, ResourceSpec, TransformConfig, ValidationResult
from floe_core.plugin_powers import EntryPointFile
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node
from floe_core.schemas.policies import Job


class NoVersion(PaperPlugin):
    version = ""
    caught_by = "test_it_is_an_orchestrator_plugin_with_three_texts"


class MadeForANewerFloe(PaperPlugin):
    floe_api_version = "1.1"
    caught_by = "test_it_was_made_for_this_floe"


class MadeForAnotherMajor(PaperPlugin):
    floe_api_version = "2.0"
    caught_by = "test_it_was_made_for_this_floe"


class InstalledUnderAnotherName(PaperPlugin):
    name = "paper-nobody"
    caught_by = "test_an_entry_point_of_its_name_leads_to_its_class"


class WantsAnArgument(PaperPlugin):
    caught_by = "test_it_is_constructed_without_arguments"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    @classmethod
    def made(cls) -> PaperPlugin:
        return cls("http://localhost")


class DropsAnEdge(PaperPlugin):
    """The direct edge of two nodes that are also connected through a third."""

    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        found = super().upstream(node, artifacts)
        return found - {"stg_orders"} if node.name == "daily_sales" else found


class TurnsAnEdge(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        turned = {"raw_orders": {"stg_orders"}, "stg_orders": set()}
        return turned.get(node.name, super().upstream(node, artifacts))


class AddsAnEdge(PaperPlugin):
    """One that does not change the order in which dbt could build."""

    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        found = super().upstream(node, artifacts)
        return found | {"orders"} if node.resource_type == "snapshot" else found


class ForgetsTheSecondParentOfATest(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        return set(sorted(super().upstream(node, artifacts))[: 1 if node.is_test else None])


class ForgetsSources(PaperPlugin):
    caught_by = "test_the_graph_is_the_products_edge_for_edge"

    def upstream(self, node: Node, artifacts: CompiledArtifacts) -> set[str]:
        return super().upstream(node, artifacts) - {"people"}


class BuildsEverythingInEachJob(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.tasks = {node.name for node in artifacts.runnable}
        return made


class LeavesTestsOutOfJobs(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.tasks = {node.name for node in artifacts.nodes_of(job) if not node.is_test}
        return made


class LosesAJob(PaperPlugin):
    caught_by = "test_each_job_builds_its_own_nodes"

    def has(self, job: Job) -> bool:
        return job.name != "nightly"


class LosesASchedule(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        return PaperJob(made.tasks) if job.name == "nightly" else made


class TicksInUtc(PaperPlugin):
    """The winter's UTC time of each zone, as if clocks never changed."""

    caught_by = "test_each_schedule_ticks_in_its_zone"
    in_utc = {"30 6 * * *": "30 6 * * *", "15 9 * * 1-5": "15 14 * * 1-5"}

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        if made.cron in self.in_utc:
            made.cron, made.timezone = self.in_utc[made.cron], "UTC"
        return made


class TicksInAnotherZone(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.timezone = made.timezone.replace("America/New_York", "America/Chicago")
        return made


class TicksAtWeekends(PaperPlugin):
    caught_by = "test_each_schedule_ticks_in_its_zone"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        made.cron = made.cron.replace("1-5", "*")
        return made


class StartsWhatIsPaused(PaperPlugin):
    caught_by = "test_a_schedule_that_is_not_enabled_starts_nothing"

    def job(self, job: Job, artifacts: CompiledArtifacts) -> PaperJob:
        made = super().job(job, artifacts)
        if job.schedule:
            made.cron, made.timezone = job.schedule.cron, job.schedule.timezone
        return made


class WritesIntoTheArtifacts(PaperPlugin):
    caught_by = "test_the_artifacts_stay_as_they_were"

    def create_definitions(self, artifacts: CompiledArtifacts) -> Any:
        made = super().create_definitions(artifacts)
        artifacts.nodes[0].meta[f"paper {time.monotonic_ns()}"] = True
        return made


class NamesNoLoader(PaperPlugin):
    caught_by = "test_without_a_folder_it_names_the_loader_to_call"

    def without_a_folder(self, artifacts: CompiledArtifacts) -> Exception:
        return invalid("no folder", fix="call paper_orchestrator.open_book(project_dir)")


class LoadsLessThanItDefines(PaperPlugin):
    caught_by = "test_the_loader_loads_the_same"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        book: PaperBook = super().load_product(product_name, project_dir)
        book.jobs.pop("paused")
        return book


class LoadsAnyProduct(PaperPlugin):
    caught_by = "test_the_loader_refuses_another_product"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        return cls.made().create_definitions(CompiledArtifacts.load(project_dir))


class LoadsAStaleFolder(PaperPlugin):
    caught_by = "test_the_loader_refuses_a_stale_folder"

    @classmethod
    def load_product(cls, product_name: str, project_dir: Path) -> Any:
        text = (project_dir / "compiled_artifacts.json").read_text("utf-8")
        artifacts = CompiledArtifacts.model_validate_json(text)
        if artifacts.product.name != product_name:
            raise invalid(f"it is of product {artifacts.product.name}, not {product_name}")
        return cls.made().create_definitions(artifacts.bound_to(project_dir))


class TellsOneProblemAtATime(PaperPlugin):
    caught_by = "test_all_that_is_wrong_is_told_at_once"

    def schedule_problems(self, artifacts: CompiledArtifacts) -> list[Problem]:
        return [] if self.graph_problems(artifacts) else super().schedule_problems(artifacts)


class WritesTheTimeIntoItsFile(PaperPlugin):
    caught_by = "test_the_entry_point_file_is_in_the_folder_and_does_not_change"

    def entry_point_file(self, product_name: str) -> EntryPointFile:
        return EntryPointFile("paper_book.py", f"# {time.monotonic_ns()}\n")


class LeavesOutWhatNeedsOthers(PaperPlugin):
    caught_by = "test_a_dependency_outside_the_list_is_no_object_of_it"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        names = {transform.name for transform in transforms}
        own = [transform for transform in transforms if names.issuperset(transform.depends_on)]
        return super().create_assets_from_transforms(own)


class MakesOneObjectTwice(PaperPlugin):
    """The kit's other checks would see it too, had this plugin's writer supplied a look."""

    caught_by = "test_each_transform_is_one_object"
    has_look_at_transforms = False

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        made = super().create_assets_from_transforms(transforms)
        return made[:-1] + made[:1]


class CannotMakeNothing(PaperPlugin):
    caught_by = "test_no_transforms_are_no_objects"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        if not transforms:
            raise ValueError("no transforms")
        return super().create_assets_from_transforms(transforms)


class TurnsTheOrder(PaperPlugin):
    caught_by = "test_transforms_keep_their_order_and_dependencies"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        return super().create_assets_from_transforms(transforms)[::-1]


class SetsNoDependencies(PaperPlugin):
    caught_by = "test_transforms_keep_their_order_and_dependencies"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        made = super().create_assets_from_transforms(transforms)
        return [PaperTask(task.name) for task in made]


class SwallowsACycle(PaperPlugin):
    caught_by = "test_an_impossible_list_is_refused_in_the_words_of_core[cycle]"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        try:
            return super().create_assets_from_transforms(transforms)
        except ValueError as error:
            if "cycle" in str(error):
                return [PaperTask(transform.name) for transform in transforms]
            raise


class HasWordsOfItsOwnForADuplicate(PaperPlugin):
    caught_by = "test_an_impossible_list_is_refused_in_the_words_of_core[duplicate]"

    def create_assets_from_transforms(self, transforms: list[TransformConfig]) -> list[Any]:
        if len({transform.name for transform in transforms}) < len(transforms):
            raise ValueError("twice the same name")
        return super().create_assets_from_transforms(transforms)


class GivesObjectsAsHelmValues(PaperPlugin):
    caught_by = "test_helm_values_are_plain_and_not_empty"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "home": Path("/opt/paper")}


class GivesNewHelmValuesEachTime(PaperPlugin):
    caught_by = "test_helm_values_are_the_same_each_time"

    def get_helm_values(self) -> dict[str, Any]:
        return {**super().get_helm_values(), "stamp": time.monotonic_ns()}


class AliasesItsHelmValues(PaperPlugin):
    """A copy of the outer dict only."""

    caught_by = "test_helm_values_are_nobody_elses"
    shared = {"image": {"tag": "1.0.0"}, "env": []}

    def get_helm_values(self) -> dict[str, Any]:
        return dict(self.shared)


class HangsOnASilentService(PaperPlugin):
    caught_by = "test_a_bad_service_is_told_in_ten_seconds"

    def deadline(self) -> float:
        return time.monotonic() + 14


class RaisesWhatItMeets(PaperPlugin):
    caught_by = "test_a_bad_service_raises_nothing"

    def validate_connection(self) -> ValidationResult:
        result = super().validate_connection()
        if "refused" in str(result.errors):
            raise ConnectionRefusedError
        return result


class TakesAnyAnswerForItsOwn(PaperPlugin):
    caught_by = "test_a_bad_service_is_a_failure_with_errors"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return ValidationResult(True) if status == 200 else super().judged(status, body, where)


class FailsWithoutAWord(PaperPlugin):
    caught_by = "test_a_bad_service_is_a_failure_with_errors"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return ValidationResult(False)


class ShowsTheAddressAsItStands(PaperPlugin):
    caught_by = "test_no_secret_is_shown"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        return super().judged(status, body, self.settings["url"])


class QuotesTheAnswer(PaperPlugin):
    """Whose body repeats the credentials that it was asked with."""

    caught_by = "test_no_secret_is_shown"

    def judged(self, status: int, body: bytes, where: str) -> ValidationResult:
        result = super().judged(status, body, where)
        return ValidationResult(result.success, body.decode(), result.errors)


class DoesNotGrow(PaperPlugin):
    """1024Mi after 1Gi: other texts, the same amount."""

    caught_by = "test_the_sizes_grow_in_every_resource"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        found = super().get_resource_requirements(workload_size)
        same = ResourceSpec(found.cpu_request, found.cpu_limit, "1024Mi", found.memory_limit)
        return same if found == SIZES["large"] else found


class AsksForMoreThanItsLimit(PaperPlugin):
    caught_by = "test_no_request_is_above_its_limit"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        found = super().get_resource_requirements(workload_size)
        more = ResourceSpec("8000m", found.cpu_limit, found.memory_request, found.memory_limit)
        return more if found == SIZES["large"] else found


class GuessesAnUnknownSize(PaperPlugin):
    caught_by = "test_another_size_is_refused_with_the_three"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        return super().get_resource_requirements(
            workload_size if workload_size in SIZES else "small"
        )


class IgnoresPresets(PaperPlugin):
    caught_by = "test_resource_presets_replace_the_plugins_own"

    def get_resource_requirements(self, workload_size: str) -> ResourceSpec:
        return (
            SIZES[workload_size]
            if workload_size in SIZES
            else super().get_resource_requirements("")
        )


class LosesOutputs(PaperPlugin):
    caught_by = "test_every_lineage_event_arrives_in_order"

    def send(self, event: Any, inputs: list[Dataset], outputs: list[Dataset]) -> None:
        super().send(event, inputs, [])


class EmitsNoValidEvent(PaperPlugin):
    caught_by = "test_every_lineage_event_is_openlineages"

    def send(self, event: Any, inputs: list[Dataset], outputs: list[Dataset]) -> None:
        object.__setattr__(event, "eventTime", "yesterday")
        super().send(event, inputs, outputs)


class PairsNoEvents(PaperPlugin):
    caught_by = "test_a_run_ends_as_the_run_that_began"

    def run_id(self, event_type: str, job: str) -> str:
        self.open_runs.clear()
        return super().run_id(event_type, job)


class ClosesAnotherJobsRun(PaperPlugin):
    caught_by = "test_a_run_ends_as_the_run_that_began"

    def run_id(self, event_type: str, job: str) -> str:
        return super().run_id(event_type, "the last one")


class EmitsAnyType(PaperPlugin):
    caught_by = "test_an_unknown_event_type_is_refused_with_those_there_are"

    def emit_lineage_event(
        self, event_type: str, job: str, inputs: list[Dataset], outputs: list[Dataset]
    ) -> None:
        kind = "OTHER" if event_type == "DONE" else event_type
        super().emit_lineage_event(kind, job, inputs, outputs)


class WritesEventsThatNobodyWants(PaperPlugin):
    caught_by = "test_without_a_lineage_backend_nothing_happens"

    def has_backend(self) -> bool:
        Path("paper-spool").mkdir(exist_ok=True)
        return super().has_backend()


class ForgetsASchedule(PaperPlugin):
    """Takes schedules of its own plugin object only."""

    caught_by = "test_a_schedule_that_was_set_is_there_at_the_next_load"

    def live(self, artifacts: CompiledArtifacts) -> CompiledArtifacts:
        return artifacts


class TakesAnyCron(PaperPlugin):
    caught_by = "test_a_bad_cron_expression_is_refused"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        super().schedule_job(job_name, "15 3 * * *", timezone)


class TakesAnyZone(PaperPlugin):
    caught_by = "test_a_bad_time_zone_is_refused"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        super().schedule_job(job_name, cron, "Asia/Tokyo")


class RefusesWithoutAReason(PaperPlugin):
    caught_by = "test_an_unknown_job_is_refused_with_those_there_are"

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        if job_name == "nightlyy":
            raise ValueError("no such job")
        super().schedule_job(job_name, cron, timezone)


class LeavesASnapshotOut(PaperPlugin):
    is_run = True
    caught_by = "test_a_run_in_which_nothing_fails_does_all"

    def closed(self, page: PaperPage) -> PaperPage:
        done = page.ticked_off - {"orders_history"} if page.is_green else page.ticked_off
        return PaperPage(page.is_green, done)


class SwallowsAFailedModel(PaperPlugin):
    """As one does that looks at tests only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[model]"

    def closed(self, page: PaperPage) -> PaperPage:
        return PaperPage("not_null_stg_orders_id" in page.ticked_off, page.ticked_off)


class SwallowsAFailedTest(PaperPlugin):
    """As one does that looks at models only."""

    is_run = True
    caught_by = "test_a_run_in_which_something_fails_has_failed[test]"

    def closed(self, page: PaperPage) -> PaperPage:
        return PaperPage("stg_people" in page.ticked_off, page.ticked_off)


class TakesWhatWasSkippedForDone(PaperPlugin):
    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def note(self, result: NodeResult, node: Node, page: PaperPage) -> None:
        if result.status == "skipped":
            page.ticked_off.add(node.name)
        super().note(result, node, page)


class StopsAtTheFirstFailure(PaperPlugin):
    """And leaves undone what has nothing to do with it."""

    is_run = True
    caught_by = "test_a_failure_stops_what_follows_it_and_nothing_else"

    def closed(self, page: PaperPage) -> PaperPage:
        done = page.ticked_off if page.is_green else page.ticked_off & {"raw_orders"}
        return PaperPage(page.is_green, done)


FAULTS = [each for each in PaperPlugin.__subclasses__() if hasattr(each, "caught_by")]
