"""Tell the runs of one code location from those of another that holds the same product.

Two code locations of one Dagster, such as one for each environment, may have products, jobs and
schedules of the same names.
"""

from __future__ import annotations

from dagster import DagsterRun, SensorEvaluationContext


def repository_of(run: DagsterRun) -> str:
    """Return `<repository>@<code location>`, "" for a run that no code location launched.

    Dagster stores it as the tag `REPOSITORY_TAG`, and leaves that out of the tags of a run.
    """
    origin = run.remote_job_origin
    return origin.repository_origin.get_label() if origin else ""


def repository_of_sensor(context: SensorEvaluationContext) -> str:
    """Return the same of an evaluated sensor, "" outside a daemon."""
    location = context.code_location_origin
    return f"{context.repository_name}@{location.location_name}" if location else ""


def is_in(repository: str, run: DagsterRun) -> bool:
    """Return whether a run is of a repository; so is each one if either of them is unknown."""
    return repository_of(run) in ("", repository) or not repository
