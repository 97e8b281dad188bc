from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from ticking_product import compile_ticking_product

from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.schedules.schedule_store import STORE_VARIABLE
from floe_orchestrator_prefect.loader import load_product_flows


def test_only_a_flow_run_loads_while_the_store_of_schedules_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = compile_ticking_product(tmp_path / "shop", "prefect").folder
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "away"))
    with pytest.raises(EnvironmentProblemError, match="there is no folder"):
        load_product_flows("tick-shop", folder)
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", str(uuid4()))
    assert {*load_product_flows("tick-shop", folder).flows} == {"tick-shop", "some-part"}
