"""One real Airflow for all tests of this folder."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from floe_orchestrator_airflow.local.service import LocalAirflow

HERE = Path(__file__).parent
RUNNING = ExitStack()


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> LocalAirflow:
    return RUNNING.enter_context(LocalAirflow(tmp_path_factory.mktemp("airflow")))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Stop it after the folder's last test: while nobody needs it, it still takes 6 % of a core."""
    if nextitem is None or HERE not in nextitem.path.parents:
        RUNNING.close()
