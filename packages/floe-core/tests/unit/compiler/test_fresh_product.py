"""What is compiled is read where nothing has changed since, and compiled anew where something has."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.cli.fresh_product import read_or_compile
from floe_core.compiler import compile_product
from floe_core.schemas.compiled_artifacts import ARTIFACTS_FILE

pytestmark = pytest.mark.long

WriteProduct = Callable[..., Path]

MARK = "read from the compiled folder"


@pytest.fixture
def folder(write_product: WriteProduct) -> Path:
    """Return a compiled product whose artifacts say something that its floe.yaml does not."""
    product = write_product(first="select '{{ env_var('COLOUR', 'red') }}' as colour")
    (product / "selectors.yml").write_text("selectors: []\n")
    compile_product(product)
    path = product / ARTIFACTS_FILE
    path.write_text(
        path.read_text().replace('"name":"shop",', f'"description":"{MARK}","name":"shop",', 1)
    )
    return product


def is_read(folder: Path, on: str | None = None) -> bool:
    return read_or_compile(folder, on, refuses_losses=True).product.description == MARK


def test_a_folder_that_is_up_to_date_is_read(folder: Path) -> None:
    assert MARK in (folder / ARTIFACTS_FILE).read_text()
    assert is_read(folder)
    assert is_read(folder, "plain")


def test_a_folder_with_a_schedule_that_cannot_be_read_is_compiled(folder: Path) -> None:
    path = folder / ARTIFACTS_FILE
    fields = json.loads(path.read_text())
    fields["jobs"][0]["schedule"] = {"cron": "0 6 * * *", "timezone": "Europe/Atlantis"}
    path.write_text(json.dumps(fields))
    assert not is_read(folder)


@pytest.mark.parametrize("place", ["models/first.sql", "floe.yaml", "manifest.yaml"])
def test_a_changed_file_is_compiled(folder: Path, place: str) -> None:
    (folder / place).write_text((folder / place).read_text() + "\n")
    assert not is_read(folder)


def test_a_file_in_a_folder_with_the_name_of_a_work_folder_counts(folder: Path) -> None:
    (folder / "models" / "target").mkdir()
    (folder / "models" / "target" / "aimed.sql").write_text("select 1 as id")
    assert "model.shop.aimed" in read_or_compile(folder, None, refuses_losses=True).by_id
    compile_product(folder)
    (folder / "models" / "target" / "aimed.sql").write_text("select 2 as id")
    assert read_or_compile(folder, None, refuses_losses=True).project_dir is None


def test_what_dbt_writes_to_folders_of_the_projects_choice_does_not_count(folder: Path) -> None:
    project = folder / "dbt_project.yml"
    project.write_text(f"{project.read_text()}\ntarget-path: build/dbt\nlog-path: ./said\n")
    for place in ("build/dbt", "said"):
        (folder / place).mkdir(parents=True)
    compile_product(folder)
    path = folder / ARTIFACTS_FILE
    path.write_text(
        path.read_text().replace('"name":"shop",', f'"description":"{MARK}","name":"shop",', 1)
    )
    assert is_read(folder)
    for place in ("build/dbt/manifest.json", "said/dbt.log"):
        (folder / place).write_text("written")
    assert is_read(folder)
    (folder / "build/macro.sql").write_text("of the product")
    assert not is_read(folder)


def test_a_manifest_of_any_name_counts(folder: Path) -> None:
    (folder.parent / "platform").mkdir()
    (folder / "manifest.yaml").rename(folder.parent / "platform" / "ours.yaml")
    floe = folder / "floe.yaml"
    floe.write_text(floe.read_text().replace("manifest.yaml", "../platform/ours.yaml"))
    compile_product(folder)
    assert read_or_compile(folder, None, refuses_losses=True).project_dir == folder
    manifest = folder.parent / "platform" / "ours.yaml"
    manifest.write_text(manifest.read_text() + "\n")
    assert read_or_compile(folder, None, refuses_losses=True).project_dir is None


def test_a_link_back_to_the_product_ends(folder: Path) -> None:
    (folder / "analyses").mkdir()
    (folder / "analyses" / "back").symlink_to(folder)
    compile_product(folder)
    assert read_or_compile(folder, None, refuses_losses=True).project_dir is None


def test_a_file_that_is_gone_is_compiled(folder: Path) -> None:
    time.sleep(0.2)
    (folder / "selectors.yml").unlink()
    assert not is_read(folder)


def test_a_variable_with_another_value_is_compiled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLOUR", "green")
    assert not is_read(folder)
