from __future__ import annotations

import json
import shutil
import sys
from multiprocessing import get_context

import pytest

from floe_core.foundation.errors import EnvironmentProblemError, StaleProductError
from floe_core.schedules.schedule_store import STORE_VARIABLE
from floe_orchestrator_dagster import DagsterPlugin
from floe_orchestrator_dagster.loader import load_product_definitions


@pytest.fixture(scope="module")
def hello(example):
    return example("hello")


@pytest.fixture
def folder(hello, tmp_path):
    return shutil.copytree(hello.project_dir, tmp_path / "moved")


def job_names(definitions):
    return {job.name for job in definitions.get_repository_def().get_all_jobs()} - {"__ASSET_JOB"}


def test_a_moved_folder_loads_and_so_do_artifacts_that_know_theirs(hello, folder):
    assert job_names(load_product_definitions("hello", folder)) == {"hello"}
    assert job_names(DagsterPlugin().create_definitions(hello)) == {"hello"}


def test_the_folder_of_another_product_is_refused(folder):
    with pytest.raises(StaleProductError) as caught:
        load_product_definitions("good-bye", folder)
    assert str(caught.value) == (
        f"{folder}/compiled_artifacts.json: it is of product 'hello', not 'good-bye'\n"
        "fix: load 'hello', or run `floe compile` in the folder of 'good-bye'"
    )


@pytest.mark.parametrize(
    "name", ["compiled_artifacts.json", "profiles.yml", "target/manifest.json"]
)
def test_a_folder_without_one_of_its_files_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(StaleProductError) as caught:
        load_product_definitions("hello", folder)
    assert str(caught.value) == (
        f"{folder}/{name}: the file is missing\nfix: run `floe compile` in the product folder"
    )


def test_a_stale_manifest_is_refused(folder):
    manifest = folder / "target/manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "docs": {}}))
    with pytest.raises(StaleProductError, match="not the dbt manifest that the product was"):
        load_product_definitions("hello", folder)


def test_only_a_run_loads_while_the_store_of_schedules_is_away(folder, tmp_path, monkeypatch):
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "away"))
    with pytest.raises(EnvironmentProblemError, match="there is no folder"):
        load_product_definitions("hello", folder)
    # As a code server starts a run.
    run = get_context("spawn").Process(target=load_product_definitions, args=("hello", folder))
    run.start()
    run.join()
    assert run.exitcode == 0
    # As in a container of a run.
    monkeypatch.setattr(sys, "argv", ["dagster", "api", "execute_run", "{}"])
    assert job_names(load_product_definitions("hello", folder)) == {"hello"}
