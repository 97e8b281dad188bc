"""Register deployments without resuming those that somebody paused in Prefect."""

from __future__ import annotations

from typing import Any

from prefect.deployments.runner import RunnerDeployment


def keep_pause(deployment: RunnerDeployment, **changes: Any) -> RunnerDeployment:
    """Return a copy with these fields changed; registering it leaves a paused deployment paused.

    Prefect sets `paused` to False if it is not given, and sends all fields that are set.
    """
    copied = deployment.model_copy(update=changes)
    copied.model_fields_set.discard("paused")
    return copied
