"""What dbt leaves behind in the process in which it answers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from floe_core.compiler import compile_product
from floe_core.dbt.ask import ask_dbt
from floe_core.dbt.invocation import command_invocation
from floe_core.runs.build_request import BuildRequest
from floe_core.schemas import CompiledArtifacts

CREATE = "create table other (id integer)"


@pytest.fixture
def asked(write_product: Callable[..., Path], tmp_path: Path) -> Path:
    """Return the folder of a product about whose tables dbt was asked."""
    folder = write_product(first="select 1 as id")
    compile_product(folder)
    artifacts, request = CompiledArtifacts.load(folder), BuildRequest(job="shop", run_id="r")
    words = ("docs", "generate", "--no-compile")
    call = command_invocation(artifacts, request, words, tmp_path / "docs")
    assert ask_dbt(call, None).problem == ""
    return folder


def test_another_process_can_write_to_the_warehouse(asked: Path) -> None:
    program = f"import duckdb; duckdb.connect('shop.duckdb').execute('{CREATE}')"
    subprocess.run([sys.executable, "-c", program], cwd=asked, check=True)


def test_this_process_can_open_the_warehouse_with_other_settings(asked: Path) -> None:
    with duckdb.connect(str(asked / "shop.duckdb"), config={"threads": 1}) as warehouse:
        warehouse.execute(CREATE)
