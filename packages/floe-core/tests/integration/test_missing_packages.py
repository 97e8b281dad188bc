"""`floe compile` installs the packages that a project names, in the versions of its lock."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from floe_core.compiler import compile_product
from floe_core.foundation.errors import EnvironmentProblemError

WriteProduct = Callable[..., Path]
NAME = "dbt_packages"


def git(folder: Path, *arguments: str) -> str:
    own = ["-c", "user.name=tester", "-c", "user.email=tester@example.com"]
    done = subprocess.run(
        ["git", *own, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def helper(tmp_path: Path) -> Path:
    """Return a package in a repository of its own, whose macro gives 1."""
    folder = tmp_path / "helper"
    (folder / "macros").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: helper\nversion: 1.0.0\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    release(folder, 1)
    return folder


def release(folder: Path, number: int) -> str:
    (folder / "macros" / "n.sql").write_text(f"{{% macro n() %}}{number}{{% endmacro %}}")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", f"{number}")
    return git(folder, "rev-parse", "HEAD")


def product_with(write_product: WriteProduct, helper: Path) -> Path:
    folder = write_product(m="select {{ helper.n() }} as a")
    (folder / "packages.yml").write_text(
        f"packages:\n  - git: file://{helper}\n    revision: main\n    warn-unpinned: false\n"
    )
    return folder


def installed(product: Path) -> str:
    return (product / NAME / "helper" / "macros" / "n.sql").read_text()


def test_they_are_installed_once(write_product: WriteProduct, helper: Path) -> None:
    product = product_with(write_product, helper)
    notices: list[str] = []
    compile_product(product, on_notice=notices.append)
    assert "macro n() %}1" in installed(product)
    assert [n for n in notices if "deps" in n] == [
        "`dbt deps` installed the packages that the project names"
    ]
    assert not (product / "logs").exists()
    release(helper, 2)
    compile_product(product, on_notice=notices.append)
    assert len([n for n in notices if "deps" in n]) == 1
    assert "macro n() %}1" in installed(product)


def test_the_lock_decides_the_version(write_product: WriteProduct, helper: Path) -> None:
    product = product_with(write_product, helper)
    compile_product(product)
    lock = (product / "package-lock.yml").read_bytes()
    release(helper, 2)
    subprocess.run(["rm", "-r", product / NAME], check=True)
    compile_product(product)
    assert "macro n() %}1" in installed(product)
    assert (product / "package-lock.yml").read_bytes() == lock


def test_what_cannot_be_had_is_told_in_dbts_words(
    write_product: WriteProduct, helper: Path
) -> None:
    product = product_with(write_product, helper)
    git(helper, "branch", "--move", "other")
    with pytest.raises(EnvironmentProblemError, match=r"`dbt deps` failed:\n(.|\n)*main"):
        compile_product(product)
    assert not (product / "compiled_artifacts.json").exists()
