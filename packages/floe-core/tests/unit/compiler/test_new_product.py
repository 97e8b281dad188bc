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


def test_a_literal_password_is_named_before_the_first_run(project: Path) -> None:
    profile = PROFILES.replace("type: duckdb", "type: postgres, password: hunter2hunter2")
    (project / "profiles.yml").write_text(profile)
    done = CliRunner().invoke(app, ["init", str(project), "--on", "plain"])
    assert done.exit_code == 0, done.output
    assert "before it runs: profiles.yml:" in done.output
    assert "hunter2" not in done.output


def test_an_orchestrator_beside_another_manifest_is_refused(project: Path) -> None:
    (project.parent / "manifest.yaml").write_text("kind: Manifest\n")
    done = CliRunner().invoke(app, ["init", str(project), "--on", "plain"])
    assert done.exit_code != 0
    assert "chooses the orchestrator: leave out --on" in str(done.exception or done.output)
    assert not (project / "floe.yaml").exists()


def test_a_profile_that_is_not_there_is_said_to_be_missing(project: Path) -> None:
    (project / "profiles.yml").write_text("another: {target: dev, outputs: {}}\n")
    done = CliRunner().invoke(app, ["init", str(project)])
    assert "add it, or name another one as `profile:` in dbt_project.yml" in " ".join(
        done.output.split()
    )


def test_a_second_selected_node_is_not_taken_for_a_folder(project: Path) -> None:
    done = CliRunner().invoke(app, ["run", "--select", "a", "b"])
    assert done.exit_code != 0
    text = str(done.exception or done.output)
    assert "b is not a folder; to name several nodes, quote them: --select 'a b'" in text
