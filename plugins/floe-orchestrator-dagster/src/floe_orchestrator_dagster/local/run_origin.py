"""Where a launched run belongs to, so that Dagster's pages find its job and can run it again."""

from __future__ import annotations

import sys
from pathlib import Path

from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from floe_orchestrator_dagster.definitions.entry_point import FILENAME


def origin_of(project_dir: str, product: str, job_name: str) -> RemoteJobOrigin:
    """Return the job's origin in the code location of `instance_home`'s workspace."""
    target = LoadableTargetOrigin(
        executable_path=sys.executable,
        python_file=str(Path(project_dir) / FILENAME),
        working_directory=project_dir,
    )
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name=product)
    repository = RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME)
    return RemoteJobOrigin(repository, job_name)
