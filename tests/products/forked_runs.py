"""A run launcher of Dagster's that forks a process for a run, which thus begins at once."""

from __future__ import annotations

from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from typing import Any, Self

from dagster import DagsterInstance, execute_job
from dagster._core.execution.api import execute_run
from dagster._core.instance.ref import InstanceRef
from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._core.origin import JobPythonOrigin
from dagster._serdes import ConfigurableClass
from dagster._serdes.config_class import ConfigurableClassData
from dagster._utils.hosted_user_process import recon_job_from_origin
from history_mesh import FORKS


class ForkedRuns(RunLauncher, ConfigurableClass):
    """Launches each run as a process; `started` are those that nobody has taken yet, by job."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self.started: list[tuple[str, BaseProcess]] = []
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        assert run.job_code_origin is not None
        arguments = (self._instance.get_ref(), run.job_code_origin, run.run_id)
        process = FORKS.Process(target=execute_in_process, args=arguments)
        process.start()
        self.started.append((run.job_name, process))

    def terminate(self, run_id: str) -> bool:
        return False


def execute_in_process(ref: InstanceRef, origin: JobPythonOrigin, run_id: str) -> None:
    """Execute a run that was launched."""
    with DagsterInstance.from_ref(ref) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        execute_run(recon_job_from_origin(origin), run, instance)


def execute_by_hand(ref: InstanceRef, origin: JobPythonOrigin) -> None:
    """Execute a job that nothing but a person has started."""
    with DagsterInstance.from_ref(ref) as instance:
        execute_job(recon_job_from_origin(origin), instance)
