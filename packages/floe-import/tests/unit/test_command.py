"""The command line: what it writes, refuses to write, and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from warm_floe import floe

DAG = """\
from cosmos import DbtDag, ProjectConfig
DbtDag(
    dag_id="shop",
    project_config=ProjectConfig("/opt/dbt/shop", {more}install_dbt_deps=False),
)
"""


def files_below(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".floe" not in path.parts
    }


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a DAG file and its dbt project."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "shop/profiles.yml").write_text("shop: {target: dev, outputs: {dev: {}}}\n")
    (tmp_path / "shop.py").write_text(DAG.format(more=""))
    (tmp_path / "lossy.py").write_text(DAG.format(more='env_vars={"REGION": "eu"}, '))
    return tmp_path


WRITTEN = ["floe-import/dags/{0}.py", "shop/floe.yaml", "shop/manifest.yaml"]


def import_(folder: Path, file: str, *options: str) -> tuple[int, list[str], str, str]:
    """Return the exit code, the new files, and what was printed to each stream."""
    before = files_below(folder)
    done = floe("import", file, "--project", "shop", *options, cwd=folder)
    after = files_below(folder)
    assert {name: after.get(name) for name in before} == before
    return done.returncode, sorted(after.keys() - before.keys()), done.stdout, done.stderr


def test_a_good_import_writes_all_files_and_exits_with_0(shop: Path) -> None:
    code, new, printed, _ = import_(shop, "shop.py")
    assert (code, new) == (0, [each.format("shop") for each in WRITTEN])
    assert "wrote floe-import/dags/shop.py" in printed
    assert "next: floe compile" in printed


def test_a_dry_run_writes_nothing(shop: Path) -> None:
    code, new, printed, _ = import_(shop, "shop.py", "--dry-run")
    assert (code, new) == (0, [])
    assert "wrote" not in printed


@pytest.mark.parametrize("proof", ["--prove", "--prove-tables"])
def test_a_dry_run_with_a_proof_is_refused(shop: Path, proof: str) -> None:
    code, new, printed, told = import_(shop, "shop.py", "--dry-run", proof)
    assert (code, new, printed) == (2, [], "")
    assert f"{proof} checks what was written, and --dry-run writes nothing" in told


@pytest.mark.parametrize("present", [each.format("shop") for each in WRITTEN])
def test_one_file_that_exists_and_nothing_is_written(shop: Path, present: str) -> None:
    """Also those of the files that are not there."""
    (shop / present).parent.mkdir(parents=True, exist_ok=True)
    (shop / present).write_text("mine\n")
    code, new, _, said = import_(shop, "shop.py")
    assert (code, new) == (2, [])
    assert f"{present}: floe import overwrites no file; move it away first" in "".join(
        said.split("\n")
    )


def test_a_second_import_overwrites_nothing_of_the_first(shop: Path) -> None:
    assert import_(shop, "shop.py")[0] == 0
    assert import_(shop, "shop.py")[:2] == (2, [])


def test_what_is_lost_exits_with_1_and_writes_nothing(shop: Path) -> None:
    code, new, printed, _ = import_(shop, "lossy.py")
    assert (code, new) == (1, [])
    assert "COS108 lost: ProjectConfig(env_vars=)" in printed
    assert "accept it with --waive COS108" in printed
    assert "wrote" not in printed


def test_a_waiver_accepts_what_is_lost(shop: Path) -> None:
    assert import_(shop, "lossy.py", "--waive", "COS109")[:2] == (1, [])
    code, new, printed, _ = import_(shop, "lossy.py", "--waive", "COS108")
    assert (code, new) == (0, [each.format("lossy") for each in WRITTEN])
    assert "COS108 lost" in printed
    assert "accept it with" not in printed


def test_write_anyway_writes_and_still_exits_with_1(shop: Path) -> None:
    code, new, printed, _ = import_(shop, "lossy.py", "--write-anyway", "--json")
    assert (code, new) == (1, [each.format("lossy") for each in WRITTEN])
    report = json.loads(printed)
    assert report["disposition"] == "lost"
    assert sorted(Path(each).name for each in report["written"]) == [
        "floe.yaml",
        "lossy.py",
        "manifest.yaml",
    ]


def test_an_import_of_several_files_writes_none_if_one_loses_something(shop: Path) -> None:
    assert import_(shop, "shop.py", "lossy.py")[:2] == (1, [])
