"""The state of products below FLOE_STATE_DIR, whatever their folders are called."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from floe_core.execution.record.journal import Journal, read_events
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import file_in
from floe_core.storage.state_folder import (
    run_folder,
    shared_state,
    state_folder,
    state_place,
)


@pytest.fixture
def states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLOE_STATE_DIR", str(tmp_path / "states"))
    return tmp_path / "states"


def write(folder: Path, name: str, dbt_project: str = "") -> Path:
    """Write the files of a product that name it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "floe.yaml").write_text(f"metadata: {{name: {name}}}\n")
    (folder / "dbt_project.yml").write_text(f"name: {dbt_project or name}\n")
    return folder


def compiled(folder: Path, name: str, dbt_project: str = "") -> Path:
    """Write the part of a compiled folder that names the product."""
    folder.mkdir(parents=True, exist_ok=True)
    fields = {"product": {"name": name}, "dbt": {"project_name": dbt_project or name}}
    (folder / "compiled_artifacts.json").write_text(json.dumps(fields))
    return folder


def test_products_in_folders_of_one_name_have_states_of_their_own(
    tmp_path: Path, states: Path
) -> None:
    first = compiled(tmp_path / "teams/a/product", "orders")
    second = compiled(tmp_path / "teams/b/product", "returns")
    assert [state_folder(each) for each in (first, second)] == [
        states / "orders",
        states / "returns",
    ]


def test_a_version_in_another_folder_has_the_same_state(tmp_path: Path, states: Path) -> None:
    run = run_folder(compiled(tmp_path / "3f2a/product", "orders"), "run")
    assert run_folder(compiled(tmp_path / "77c0/orders-product", "orders"), "run") == run


def test_the_state_is_the_same_before_and_after_a_compile(tmp_path: Path, states: Path) -> None:
    product = write(tmp_path / "product", "orders")
    before = state_folder(product)
    assert state_folder(compiled(product, "orders")) == before == states / "orders"


@pytest.mark.parametrize("name", ["../elsewhere", "Orders", "", "[a, b]"])
def test_a_name_that_is_none_leaves_that_of_the_folder(
    tmp_path: Path, states: Path, name: str
) -> None:
    assert state_folder(write(tmp_path / "product", name)) == states / "product"


def test_without_the_variable_the_state_is_in_the_product(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLOE_STATE_DIR", raising=False)
    product = write(tmp_path / "product", "orders")
    assert state_folder(product) == product / ".floe"
    assert [path.name for path in (product / ".floe").iterdir()] == [".gitignore"]


def test_the_state_of_a_product_with_the_folders_name_is_left_alone(
    tmp_path: Path, states: Path
) -> None:
    theirs = state_folder(write(tmp_path / "elsewhere", "product"))
    assert state_folder(write(tmp_path / "product", "orders")) == states / "orders"
    assert theirs.is_dir()


def test_another_product_of_the_same_name_is_reported(tmp_path: Path, states: Path) -> None:
    first = write(tmp_path / "a", "orders", "orders")
    second = write(tmp_path / "b", "orders", "web_orders")
    assert state_folder(first) == state_folder(second)
    assert shared_state(first) == ""
    assert shared_state(second) == (
        f"{states / 'orders'} belongs to another product named orders, with the dbt project orders "
        "instead of web_orders: their runs and reuse are mixed up; rename one, or set another "
        "FLOE_STATE_DIR; if the dbt project was renamed, remove "
        f"{states / 'orders' / 'product.json'}"
    )


def test_asking_where_the_state_is_creates_nothing(tmp_path: Path, states: Path) -> None:
    product = write(tmp_path / "product", "orders")
    assert state_place(product) == states / "orders"
    assert not states.exists()


def test_a_folder_that_is_gone_has_a_state(tmp_path: Path, states: Path) -> None:
    product = write(tmp_path / "product", "orders")
    shutil.rmtree(product)
    assert state_place(product) == states / "product"


@pytest.mark.parametrize("run_id", ["..", ".", "", "../../elsewhere", "/etc"])
def test_no_run_id_leads_out_of_the_folder_of_runs(tmp_path: Path, run_id: str) -> None:
    folder = run_folder(tmp_path, run_id)
    assert folder.resolve().parent == (tmp_path / ".floe" / "runs").resolve()


def test_a_link_in_place_of_a_journal_is_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("of somebody else\n")
    journal = run_folder(tmp_path, "r") / "events.jsonl"
    journal.symlink_to(other)
    for use in (lambda: Journal(tmp_path, "r"), lambda: read_events(tmp_path, "r")):
        with pytest.raises(EnvironmentProblemError, match="not a regular file; move it away"):
            use()
    assert other.read_text() == "of somebody else\n"


@pytest.mark.parametrize("linked", ["runs", "runs/r"])
def test_a_link_in_place_of_a_folder_of_runs_is_not_followed(tmp_path: Path, linked: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place = tmp_path / ".floe" / linked
    place.parent.mkdir(parents=True)
    place.symlink_to(elsewhere)
    with pytest.raises(EnvironmentProblemError, match="is a link, which floe does not follow"):
        Journal(tmp_path, "r")
    assert list(elsewhere.rglob("events.jsonl")) == []


def test_a_pipe_in_place_of_a_journal_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(run_folder(tmp_path, "r") / "events.jsonl")
    with pytest.raises(EnvironmentProblemError, match="not a regular file; move it away"):
        Journal(tmp_path, "r")


@pytest.mark.parametrize("name", ["/dev/zero", "../outside", "a/../../outside", "zero", "missing"])
def test_a_name_that_leads_out_of_its_folder_is_no_file_of_it(tmp_path: Path, name: str) -> None:
    inside = tmp_path / "inside"
    (inside / "a").mkdir(parents=True)
    (tmp_path / "outside").touch()
    (inside / "zero").symlink_to("/dev/zero")
    (inside / "a" / "seed.csv").touch()
    (inside / "shared.csv").symlink_to(tmp_path / "outside")
    for found in ("a/seed.csv", "shared.csv"):
        assert file_in(inside, found) == inside / found
    # dbt writes the SQL of models outside of the project beside that of its package.
    assert file_in(inside, "shop", "../a/seed.csv") == inside / "a/seed.csv"
    assert file_in(inside, name) is None
