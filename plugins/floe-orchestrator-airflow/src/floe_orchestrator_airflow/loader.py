"""Load a compiled product into Airflow, as the generated dag.py does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.sdk import DAG, get_parsing_context

from floe_core.foundation.errors import Problem, StaleProductError
from floe_core.foundation.garbage_collection import collector_at_rest
from floe_core.schedules.live_schedules import with_live_schedules
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE, CompiledArtifacts
from floe_core.schemas.policies import Job
from floe_orchestrator_airflow.alerts import deadline_dags
from floe_orchestrator_airflow.dag.job_dag import job_dag
from floe_orchestrator_airflow.product_check import check_product


def load_product_dag(
    product_name: str, project_dir: Path | str, *, job: str | None = None, **dag_arguments: Any
) -> DAG:
    """Return the DAG of the whole product compiled in this folder, or of one job of it.

    `dag_arguments` are arguments of Airflow's own `DAG` that override floe's, such as a `schedule`
    of assets instead of the one in floe.yaml, or an `on_failure_callback`.

    Raises:
        StaleProductError: The folder holds no compiled product, or another product.
        InvalidProductError: The product cannot run on Airflow; lists every reason.
        UsageError: The product has no such job.
    """
    artifacts = _load(product_name, Path(project_dir))
    chosen = whole_product_job(artifacts) if job is None else artifacts.job(job)
    return job_dag(artifacts, chosen, Path(project_dir).absolute(), dag_arguments)


def load_product_dags(
    product_name: str, project_dir: Path | str, **dag_arguments: Any
) -> list[DAG]:
    """Return the DAGs of the product compiled in this folder, one per job, in the jobs' order.

    The DAGs that watch deadlines come last. `dag_arguments` apply to each DAG of a job, as in
    `load_product_dag`.

    Raises:
        StaleProductError: The folder holds no compiled product, or another product.
        InvalidProductError: The product cannot run on Airflow; lists every reason.
    """
    with collector_at_rest():
        artifacts = _load(product_name, Path(project_dir))
        folder = Path(project_dir).absolute()
        dags = [job_dag(artifacts, job, folder, dag_arguments) for job in artifacts.jobs]
        return [*dags, *deadline_dags(artifacts, folder)]


def whole_product_job(artifacts: CompiledArtifacts) -> Job:
    """Return the job named like the product, or the first job if there is no such job."""
    named = [job for job in artifacts.jobs if job.name == artifacts.product.name]
    return named[0] if named else artifacts.jobs[0]


def load_product(project_dir: Path) -> CompiledArtifacts:
    """Return the product compiled in this folder, with the schedules of floe.yaml.

    Raises:
        StaleProductError: The folder holds no compiled product.
        InvalidProductError: The product cannot run on Airflow; lists every reason.
    """
    artifacts = CompiledArtifacts.load(project_dir)
    check_product(artifacts)
    return artifacts


def _load(product_name: str, project_dir: Path) -> CompiledArtifacts:
    artifacts = load_product(project_dir)
    if artifacts.product.name != product_name:
        raise StaleProductError(
            [
                Problem(
                    what=f"it holds the product '{artifacts.product.name}', not '{product_name}'",
                    fix="run `floe compile` in the product folder, or correct the name in dag.py",
                    file=str(project_dir / ARTIFACTS_FILE),
                )
            ]
        )
    # A task needs no schedule, so it does not depend on the schedule store.
    return artifacts if get_parsing_context().dag_id else with_live_schedules(artifacts)
