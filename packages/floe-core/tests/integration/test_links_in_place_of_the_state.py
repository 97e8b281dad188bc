"""A link in place of a file or a folder of the state leads no run to what it names."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from partitioned_product import MODELS, PARTITIONS
from reusing_product import FLOE

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, RunParameters, build
from floe_core.foundation.errors import FloeError
from floe_core.schemas import CompiledArtifacts
from floe_core.storage.state_folder import state_place

pytestmark = pytest.mark.long

WriteProduct = Callable[..., Path]
MORE = """\
alerts: [{on: [failure, recovery], to: "{{ env_var('SHOP_ALERTS') }}"}]
steps: [{name: load, command: [python, -c, print()]}]
"""
EXPECTED = {
    *("alerts", "alerts/failing", "alerts/open", "alerts/targets", "alerts/told"),
    *("lineage", "lineage/refused", "lineage/spool", "partitions", "reuse.json"),
    *("runs", "runs/r", "runs/r/attempt-1", "runs/r/events.jsonl", "runs/r/steps"),
}
NOBODY = "127.0.0.1:9"


@pytest.fixture
def shop(write_product: WriteProduct, monkeypatch: pytest.MonkeyPatch) -> CompiledArtifacts:
    """Return a product with all that leaves something in the state; no receiver is there."""
    transport = f'{{"type": "http", "url": "http://{NOBODY}"}}'
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT", transport)
    monkeypatch.setenv("SHOP_ALERTS", f"json://{NOBODY}")
    broken = "select no_such_function()"
    floe = FLOE + MORE + PARTITIONS.replace("daily by_day wide", "daily")
    folder = write_product(floe=floe, raw=MODELS["raw"], daily=MODELS["daily"], broken=broken)
    compile_product(folder)
    return CompiledArtifacts.load(folder)


def run(artifacts: CompiledArtifacts) -> None:
    parameters = RunParameters(partitions="2026-11-01")
    for _ in build(artifacts, BuildRequest("shop", "r", parameters=parameters)):
        pass


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content of each file below a folder, and when it was written."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(each): (each.read_bytes(), each.stat().st_mtime_ns) for each in files}


def test_nothing_that_a_link_names_is_changed(
    shop: CompiledArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(shop)
    state = shop.folder / ".floe"
    changed = []
    places = places_in(state)
    assert {*places} >= EXPECTED
    for number, name in enumerate(places):
        monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / f"states-{number}"))
        theirs = tmp_path / f"theirs-{number}"
        shutil.copytree(state, state_place(shop.folder))
        place = state_place(shop.folder) / name
        theirs.mkdir()
        place.rename(theirs / place.name)
        place.symlink_to(theirs / place.name)
        before = content(theirs)
        with suppress(FloeError, OSError):
            run(shop)
        if content(theirs) != before:
            changed.append(name)
    assert changed == []


def places_in(state: Path) -> list[str]:
    """Return the folders of the state and one of the files of each kind in each."""
    kinds = {}
    for path in sorted(state.rglob("*")):
        name = path.relative_to(state)
        # What is deeper is dbt's.
        if name.parts[0] != "runs" or len(name.parts) <= 3:
            kinds[(name.parent, path.name if path.is_dir() else path.suffix)] = str(name)
    return sorted(kinds.values())
