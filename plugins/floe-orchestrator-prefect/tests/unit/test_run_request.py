"""What a build is told of the earlier tries of its flow run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.task.run_request import request_of


@pytest.mark.parametrize(("tries", "has_root"), [(1, False), (2, True), (3, True)])
def test_each_try_has_the_first_one_as_its_root(
    tries: int, has_root: bool, product: Callable[..., CompiledArtifacts], tmp_path: Path
) -> None:
    artifacts = product().bound_to(tmp_path)
    run = FlowRun(flow_id=uuid4(), run_count=tries)
    with FlowRunContext.model_construct(flow_run=run):
        request = request_of(artifacts, artifacts.jobs[0], (), None, None)
    assert request.root_run_id == (str(run.id) if has_root else "")
    assert request.run_id == (f"{run.id}.{tries}" if has_root else str(run.id))
