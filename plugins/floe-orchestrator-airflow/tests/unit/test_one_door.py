"""Names that Airflow does not promise to keep come in through one door."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import floe_orchestrator_airflow

SOURCE = Path(floe_orchestrator_airflow.__file__).parent
PUBLIC = (
    "airflow.sdk",
    "airflow.plugins_manager",
    "airflow.providers.openlineage",
    "airflow.timetables",
    "airflow.triggers.base",
)
# The host of a local Airflow starts Airflow's own components, of the version installed beside it.
DOORS = {"internals.py", "local/host.py"}


def imported(path: Path) -> Iterator[str]:
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, ast.ImportFrom) and found.module:
            yield found.module
        elif isinstance(found, ast.Import):
            yield from (name.name for name in found.names)


def is_private(module: str) -> bool:
    of_airflow = module == "airflow" or module.startswith("airflow.")
    inner = "execution_time" in module or "._" in module
    return of_airflow and (inner or not module.startswith(PUBLIC))


def test_only_the_doors_import_what_airflow_keeps_to_itself() -> None:
    found = {
        f"{path.relative_to(SOURCE)}: {module}"
        for path in SOURCE.rglob("*.py")
        if str(path.relative_to(SOURCE)) not in DOORS
        for module in imported(path)
        if is_private(module)
    }
    assert found == set()
