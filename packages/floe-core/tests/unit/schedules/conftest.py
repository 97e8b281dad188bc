from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_artifacts import small_product

from floe_core.schemas.compiled_artifacts import CompiledArtifacts, OrchestratorChoice
from floe_core.schemas.policies import Job, Schedule
from floe_core.schemas.ports import UpdateTrigger

MakeShop = Callable[..., CompiledArtifacts]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeShop:
    """Return a maker of the product `web-shop`: scheduled itself; its job `fed-part` is
    started by updates, `hourly-part` by nothing."""
    monkeypatch.delenv("FLOE_SCHEDULE_STORE", raising=False)

    def make(folder: Path | None = tmp_path, **settings: str) -> CompiledArtifacts:
        artifacts = small_product(
            name="web-shop",
            orchestrator=OrchestratorChoice(name="plain", config=settings),
            jobs=(
                Job(name="web-shop", schedule=Schedule(cron="0 6 * * *", timezone="UTC")),
                Job(name="hourly-part"),
                Job(name="fed-part", trigger=UpdateTrigger(on_update="all", ports=("crm/a@1",))),
            ),
        )
        return artifacts if folder is None else artifacts.bound_to(folder)

    return make
