"""A code location loads with any of the names missing that floe borrows from Dagster."""

from __future__ import annotations

from pathlib import Path

import pytest
from borrowed_names import borrowed_names
from load_without import loads_without_each

from floe_orchestrator_dagster import internals

DOOR = Path(internals.__file__)
LOADED = "dagster._utils.schedules.schedule_execution_time_iterator"


@pytest.fixture(scope="module")
def definitions_file(example) -> Path:
    return example("customer-360").project_dir / "definitions.py"


def test_definitions_load_without_any_one_of_them(definitions_file: Path) -> None:
    expected = {".".join(name): "" for name in borrowed_names(DOOR, "dagster")}
    found = loads_without_each(definitions_file, DOOR, "dagster")
    assert LOADED in found
    assert found == {**expected, "all of them": ""}


def test_a_file_that_needs_one_is_found_out(tmp_path: Path) -> None:
    file = tmp_path / "definitions.py"
    file.write_text("from dagster._utils.schedules import schedule_execution_time_iterator\n")
    found = loads_without_each(file, DOOR, "dagster")
    failed = {name for name, why in found.items() if why}
    assert failed == {LOADED, "all of them"}
