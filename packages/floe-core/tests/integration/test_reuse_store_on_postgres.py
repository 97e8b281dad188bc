"""The state of reuse in a PostgreSQL database, for workers that share no disk."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_database import SERVER, own_database, rows
from reusing_product import FLOE
from small_artifacts import small_product

from floe_core.compiler import compile_product
from floe_core.execution import BuildRequest, NodeLog, NodeResult, build
from floe_core.reuse.state import Entry
from floe_core.reuse.state_store import store_of
from floe_core.schemas import CompiledArtifacts

WriteProduct = Callable[..., Path]


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with own_database() as name:
        user, place = SERVER["user"], f"{SERVER['host']}:{SERVER['port']}"
        url = f"postgresql://{user}:{SERVER['password']}@{place}/{name}"
        monkeypatch.setenv("FLOE_REUSE_STORE", url)
        yield name


def results(folder: Path, run_id: str) -> tuple[dict[str, str], list[str]]:
    """Build, and return node name -> status, and what it warns of."""
    events = list(build(CompiledArtifacts.load(folder), BuildRequest("shop", run_id)))
    ended = {e.unique_id.split(".")[2]: e.status for e in events if isinstance(e, NodeResult)}
    return ended, [e.text for e in events if isinstance(e, NodeLog) and e.level == "warn"]


def test_what_one_machine_built_another_reuses(
    write_product: WriteProduct, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = "{{ config(materialized='table') }} select 1 as id"
    folder = write_product(floe=FLOE, first=model)
    compile_product(folder)
    assert results(folder, "1") == ({"first": "success"}, [])
    assert not (folder / ".floe" / "reuse.json").exists()
    other = shutil.copytree(folder, tmp_path / "other", ignore=shutil.ignore_patterns(".floe"))
    # The database is a part of the state, and a DuckDB file goes by its path.
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "elsewhere"))
    assert results(folder, "2") == ({"first": "reused"}, [])
    assert rows(database, "select name from floe_shared_text") == [("shop.reuse",)]
    monkeypatch.setenv("FLOE_REUSE_STORE", "postgresql://nobody:secret-word@127.0.0.1:1/none")
    ended, warnings = results(other, "3")
    assert ended == {"first": "success"}
    assert len(warnings) == 1
    assert "127.0.0.1:1" in warnings[0]
    assert "secret-word" not in warnings[0]


def test_no_change_of_several_writers_is_lost(database: str, tmp_path: Path) -> None:
    def write(number: int) -> None:
        entry = {f"model.shop.m{number}": Entry("1", {})}
        store_of(small_product().bound_to(tmp_path)).change(lambda state: state.with_entries(entry))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store_of(small_product().bound_to(tmp_path)).read().entries) == 8
