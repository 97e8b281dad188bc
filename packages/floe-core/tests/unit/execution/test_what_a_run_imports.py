"""A run starts in a new process each time: it imports nothing that only other commands need."""

from __future__ import annotations

import subprocess
import sys

import pytest

IMPORTS = """\
import sys
import floe_core.execution.build_run, floe_core.dbt.in_process
print(*sys.modules)
"""
# What reads YAML, SQL and URLs, sends lineage, or draws in a terminal.
OTHERS = ("fsspec", "httpx", "openlineage", "rich", "ruamel", "sqlglot", "typer")


@pytest.fixture(scope="module")
def modules() -> set[str]:
    done = subprocess.run([sys.executable, "-c", IMPORTS], check=True, capture_output=True)
    return {name.split(".")[0] for name in done.stdout.decode().split()}


@pytest.mark.parametrize("name", OTHERS)
def test_a_run_does_not_import_it(name: str, modules: set[str]) -> None:
    assert "floe_core" in modules
    assert name not in modules
