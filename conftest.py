"""What all tests share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing about the code. A gate tries
# the same examples each time; `pytest --hypothesis-profile=explore` tries others.
HASTE = HealthCheck.too_slow
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HASTE])
settings.register_profile("explore", deadline=None, suppress_health_check=[HASTE])
settings.load_profile("gate")

# What a script starts in the background ignores ^C, and so would every program that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Folders whose tests run dbt, an orchestrator or a program for real.
REAL = ("integration", "e2e")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the tests that run things for real to `make test-all`, but for those that are quick."""
    for item in items:
        folders = item.path.relative_to(Path(__file__).parent).parts
        if set(REAL) & set(folders) and item.get_closest_marker("quick") is None:
            item.add_marker(pytest.mark.long)
