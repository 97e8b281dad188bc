"""A build removes the records of old runs, 100 of them being kept if nothing else is said."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, build
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.state_folder import run_place, runs_place

WriteProduct = Callable[..., Path]


def runs_after(product: CompiledArtifacts, run_id: str) -> set[str]:
    """Run a product two hours ago; return the runs that have records then."""
    list(build(product, BuildRequest("shop", run_id)))
    date_back(run_place(product.folder, run_id), hours=2)
    return {path.name for path in runs_place(product.folder).iterdir()}


def date_back(run: Path, hours: int) -> None:
    moment = time.time() - hours * 3600
    os.utime(run / "events.jsonl", (moment, moment))


def test_as_many_are_kept_as_the_variable_says(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOE_KEEP_RUNS", "1")
    product = compile_product(write_product())
    assert [runs_after(product, each) for each in ("a", "b", "c")] == [{"a"}, {"b"}, {"c"}]


def test_a_hundred_are_kept_without_the_variable(
    write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOE_KEEP_RUNS", raising=False)
    product = compile_product(write_product())
    assert runs_after(product, "first") == {"first"}
    for number in range(99):
        shutil.copytree(run_place(product.folder, "first"), run_place(product.folder, f"r{number}"))
    date_back(run_place(product.folder, "first"), hours=3)
    others = {f"r{number}" for number in range(99)}
    assert runs_after(product, "next") == others | {"next"}
