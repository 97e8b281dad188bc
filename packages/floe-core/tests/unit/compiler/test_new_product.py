"""`floe init` beside a dbt project takes what is there, and invents nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from floe_core.cli.main import app
from floe_core.compiler import compile_product

PROFILES = (
    "shop_profile: {target: dev, outputs: {dev: {type: duckdb, path: mine.duckdb, threads: 7}}}\n"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a dbt project with a profile of its own, in a folder of another name."""
    monkeypatch.delenv("DBT_PROFILES_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "checkout-4711"
    (folder / "models").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: my_shop\nversion: 1.0.0\nprofile: shop_profile\n"
    )
    (folder / "models" / "first.sql").write_text("select 1 as id")
    return folder


def test_an_existing_project_keeps_its_name_its_profile_and_its_threads(project: Path) -> None:
    (project / "profiles.yml").write_text(PROFILES)
    done = CliRunner().invoke(app, ["init", str(project), "--on", "plain"])
    assert done.exit_code == 0, done.output
    assert "runs with profile shop_profile, target dev: duckdb, 7 threads" in done.output
    artifacts = compile_product(project)
    assert artifacts.product.name == "my-shop"
    assert artifacts.dbt.profile == {"type": "duckdb", "path": "mine.duckdb", "threads": 7}
    assert artifacts.execution.max_parallel is None
    assert artifacts.jobs[0].schedule is None
    assert not (project / "models" / "first_model.sql").exists()


def test_a_project_without_a_profile_is_told_what_it_lacks(project: Path) -> None:
    done = CliRunner().invoke(app, ["init", str(project)])
    assert done.exit_code == 0, done.output
    assert (
        "before it runs: chooses no compute; add `plugins.compute`, or a profiles.yml"
        in " ".join(done.output.split())
    )


def test_a_schedule_is_written_where_it_is_asked_for(project: Path) -> None:
    (project / "profiles.yml").write_text(PROFILES)
    done = CliRunner().invoke(app, ["init", str(project), "--on", "plain", "--cron", "0 6 * * *"])
    assert done.exit_code == 0, done.output
    schedule = compile_product(project).jobs[0].schedule
    assert schedule is not None
    assert (schedule.cron, schedule.timezone) == ("0 6 * * *", "UTC")


def test_a_bad_schedule_writes_nothing(project: Path) -> None:
    done = CliRunner().invoke(app, ["init", str(project), "--cron", "every day"])
    assert done.exit_code != 0
    assert not (project / "floe.yaml").exists()
