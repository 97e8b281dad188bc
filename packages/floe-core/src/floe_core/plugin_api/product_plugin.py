"""Base class of plugins: keeps the product last defined, with its lineage and schedules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from floe_core.plugin_interfaces import Dataset, OrchestratorPlugin
from floe_core.schedules.job_schedules import JobSchedules, check_rule
from floe_core.schemas.policies import LineageSettings

if TYPE_CHECKING:
    from floe_core.schemas.compiled_artifacts import CompiledArtifacts


class ProductPlugin(OrchestratorPlugin):
    """A plugin whose lineage and schedules are those of the product that it last defined.

    A subclass calls `_define` with a product, and implements `_take_up`. Schedules are kept in the
    store that the setting `schedule_store` names. Until a product is defined, they are those of the
    product in the setting `project_dir`.
    """

    def __init__(self) -> None:
        self._settings: Mapping[str, Any] = {}
        self._lineage = LineageSettings()
        self._project_dir: Path | None = None
        self._defined: CompiledArtifacts | None = None

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Store the settings; see the class for their names."""
        self._settings = dict(settings)

    def _define(self, artifacts: CompiledArtifacts) -> None:
        self._lineage, self._project_dir = artifacts.lineage, artifacts.project_dir
        self._defined = artifacts

    @abstractmethod
    def _take_up(self, schedules: JobSchedules, job_name: str) -> None:
        """Make a running orchestrator apply the changed schedule of a job."""

    def emit_lineage_event(
        self,
        event_type: str,
        job: str,
        inputs: list[Dataset],
        outputs: list[Dataset],
        *,
        run_id: str | None = None,
        facets: Mapping[str, Any] | None = None,
    ) -> None:
        """Emit an event like runs do, with the lineage settings of the product last defined here.

        Before any product is defined, uses OpenLineage's own settings in the environment.
        """
        from floe_core.lineage import emit_lineage_event

        emit_lineage_event(
            event_type,
            job,
            inputs,
            outputs,
            settings=self._lineage,
            project_dir=self._project_dir,
            run_id=run_id,
            facets=facets,
        )

    def schedule_job(self, job_name: str, cron: str, timezone: str) -> None:
        """Store the schedule; a running orchestrator of the job has it when this returns.

        The product is the one last defined here, or that of the setting `project_dir`.
        """
        check_rule(cron, timezone)
        self._change(job_name, lambda schedules: schedules.set(job_name, cron, timezone))

    def unschedule_job(self, job_name: str) -> None:
        """See `ScheduleController`."""
        self._change(job_name, lambda schedules: schedules.remove(job_name))

    def pause(self, job_name: str) -> None:
        """See `ScheduleController`."""
        self._change(job_name, lambda schedules: schedules.pause(job_name))

    def resume(self, job_name: str) -> None:
        """See `ScheduleController`."""
        self._change(job_name, lambda schedules: schedules.resume(job_name))

    def reset_schedule(self, job_name: str) -> None:
        """See `ScheduleController`."""
        self._change(job_name, lambda schedules: schedules.reset(job_name))

    def follow_owner(self, artifacts: CompiledArtifacts, job_name: str) -> None:
        """See `OwnerFollower`."""
        self._take_up(JobSchedules(artifacts), job_name)

    def _change(self, job_name: str, change: Callable[[JobSchedules], None]) -> None:
        schedules = JobSchedules.of_plugin(self._defined, self._settings)
        change(schedules)
        self._take_up(schedules, job_name)
