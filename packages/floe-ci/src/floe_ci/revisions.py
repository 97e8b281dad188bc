"""Find the files of a product: in a folder, or in a commit of its git repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from floe_core.compiler.findings import Findings
from floe_core.compiler.inputs import FLOE_FILE, read_inputs
from floe_core.dbt.ask import install_packages
from floe_core.foundation.errors import EnvironmentProblemError, UsageError

_PACKAGE_FILES = ("packages.yml", "dependencies.yml")


def is_product(name: str) -> bool:
    """Return whether a name is that of a folder with a product, and not of a commit."""
    return (Path(name) / FLOE_FILE).is_file()


def check_side(name: str, product: Path) -> None:
    """Check that there is a product at `name`, without writing anything.

    Raises:
        UsageError: There is no such commit, or it has no product there.
        EnvironmentProblemError: git is not installed.
    """
    if is_product(name):
        return
    if not product.is_dir():
        raise UsageError(f"'{name}' is not a folder with {FLOE_FILE}, and there is no {product}")
    _commit_at(name, product)


def product_at(name: str, product: Path, tree: Path) -> Path:
    """Return the folder of the product at `name`: that folder, else a commit's, written to `tree`.

    `product` is the product's folder in the repository. Nothing is written to the repository.

    Raises:
        UsageError: There is no such commit, or it has no product there.
        EnvironmentProblemError: git is not installed, or dbt could not install packages.
    """
    if is_product(name):
        return Path(name).absolute()
    top, commit, place = _commit_at(name, product)
    _write_tree(top, commit, tree)
    _install_packages(tree / place)
    return tree / place


def _commit_at(name: str, product: Path) -> tuple[Path, str, Path]:
    """Return the top of the repository, the commit, and the product's folder below the top."""
    top = Path(_git(product, "rev-parse", "--show-toplevel", given=name))
    place = product.resolve().relative_to(top.resolve())
    try:
        commit = _git(product, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except UsageError:
        raise UsageError(
            f"'{name}' is neither a folder with {FLOE_FILE} nor a commit of {top}; a shallow clone "
            "lacks commits: fetch it (actions/checkout: `fetch-depth: 0`)"
        ) from None
    file = place / FLOE_FILE
    try:
        _git(top, "cat-file", "-e", f"{commit}:{file.as_posix()}")
    except UsageError:
        raise UsageError(f"'{name}' has no {file}; name the product's folder: --product") from None
    return top, commit, place


def _write_tree(top: Path, commit: str, tree: Path) -> None:
    """Write all files of a commit, by an index of their own: the repository's stays as it is."""
    tree.mkdir(parents=True)
    index = {"GIT_INDEX_FILE": str(tree.with_name(f"{tree.name}.index"))}
    _git(top, "read-tree", commit, more=index)
    _git(top, "checkout-index", "--all", "--quiet", f"--prefix={tree}/", more=index)


def _install_packages(folder: Path) -> None:
    """Install the packages that the project names with dbt; they are not in git."""
    if not any((folder / name).is_file() for name in _PACKAGE_FILES):
        return
    inputs = read_inputs(folder, Findings(lambda notice: None))
    installed = folder / inputs.packages_path
    if installed.is_dir():
        return
    install_packages(inputs.spec.execution.dbt_executable or "", folder)


def _git(
    folder: Path, *arguments: str, given: str = "", more: Mapping[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            env={**os.environ, **(more or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise EnvironmentProblemError("git is not installed; name two folders instead") from None
    if done.returncode:
        what = f"'{given}' is not a folder with {FLOE_FILE}, and " if given else ""
        raise UsageError(f"{what}git: {done.stderr.strip()}")
    return done.stdout.strip()
