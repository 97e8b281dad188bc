"""Flows load with any of the names missing that floe borrows from Prefect."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from borrowed_names import borrowed_names
from load_without import loads_without_each

from floe_core.compiler import compile_product
from floe_orchestrator_prefect import internals

EXAMPLES = Path(__file__).parents[4] / "examples"
DOOR = Path(internals.__file__)


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    shutil.copy(EXAMPLES / "manifest.yaml", tmp_path)
    folder = shutil.copytree(EXAMPLES / "customer-360", tmp_path / "customer-360")
    compile_product(folder, orchestrator="prefect")
    return folder / "flow.py"


def test_flows_load_without_any_one_of_them(flow_file: Path) -> None:
    names = [".".join(name) for name in borrowed_names(DOOR, "prefect")]
    assert len(names) == 8
    assert loads_without_each(flow_file, DOOR, "prefect") == {
        **dict.fromkeys(names, ""),
        "all of them": "",
    }
