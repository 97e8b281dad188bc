"""What compile writes: the same bytes anywhere, all or nothing, and a folder that can be moved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from zoo_product import write_zoo

from floe_core.compiler import compile_product
from floe_core.foundation.errors import InvalidProductError, StaleProductError, UsageError
from floe_core.schemas import CompiledArtifacts

pytestmark = pytest.mark.long

WriteProduct = Callable[..., Path]

COMPILE = "import sys; from floe_core.compiler import compile_product; compile_product(sys.argv[1])"


def compile_in_process_of_its_own(folder: Path, **environment: str) -> None:
    """Compile with other environment variables, and the test's own plugins on the path."""
    path = os.pathsep.join(sys.path)
    subprocess.run(
        [sys.executable, "-c", COMPILE, str(folder)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        check=True,
        cwd="/",
    )


def test_the_same_inputs_give_the_same_bytes_in_any_folder_and_time_zone(tmp_path: Path) -> None:
    one, two = write_zoo(tmp_path / "here"), write_zoo(tmp_path / "there" / "deeper")
    compile_in_process_of_its_own(one, TZ="Asia/Tokyo", PYTHONHASHSEED="1")
    compile_in_process_of_its_own(two, TZ="America/New_York", PYTHONHASHSEED="2")
    for place in (
        "compiled_artifacts.json",
        "target/manifest.json",
        "profiles.yml",
        "plain_entry.py",
    ):
        assert (one / place).read_bytes() == (two / place).read_bytes(), place
    assert str(tmp_path).encode() not in (one / "compiled_artifacts.json").read_bytes()


def test_compiling_again_changes_nothing(write_product: WriteProduct) -> None:
    folder = write_product()
    compile_product(folder)
    first = (folder / "compiled_artifacts.json").read_bytes()
    compile_product(folder)
    assert (folder / "compiled_artifacts.json").read_bytes() == first


def test_a_compiled_folder_can_be_moved(write_product: WriteProduct, tmp_path: Path) -> None:
    compiled = compile_product(write_product())
    moved = tmp_path / "elsewhere"
    shutil.move(str(compiled.project_dir), moved)
    loaded = CompiledArtifacts.load(moved)
    assert loaded.to_json() == compiled.to_json()
    assert loaded.project_dir == moved


def test_out_makes_a_copy_that_stands_alone(tmp_path: Path) -> None:
    product, out = write_zoo(tmp_path), tmp_path / "out"
    before = sorted(product.rglob("*"))
    compile_product(product, out=out)
    assert sorted(product.rglob("*")) == before
    shutil.rmtree(tmp_path / "shared_macros")
    shutil.rmtree(product)
    assert CompiledArtifacts.load(out).product.name == "zoo"
    assert (
        "macro-paths: [macros, external/0-shared_macros]" in (out / "dbt_project.yml").read_text()
    )
    assert (out / "external/0-shared_macros/shout.sql").exists()


def test_out_again_replaces_the_copy_and_keeps_what_runs_left_there(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    product, out = write_product(), tmp_path / "out"
    compile_product(product, out=out)
    (out / ".floe").mkdir()
    (out / "shop.duckdb").write_text("a warehouse")
    (product / "models" / "first.sql").rename(product / "models" / "second.sql")
    compile_product(product, out=out)
    assert [path.name for path in (out / "models").iterdir()] == ["second.sql"]
    assert (out / "shop.duckdb").read_text() == "a warehouse"
    assert (out / ".floe").is_dir()


@pytest.mark.parametrize("place", ["inside", ".."])
def test_out_inside_the_product_or_around_it_is_refused(
    write_product: WriteProduct, place: str
) -> None:
    folder = write_product()
    with pytest.raises(UsageError, match="choose a folder outside the product's own"):
        compile_product(folder, out=folder / place)


def test_out_that_holds_something_else_is_refused(
    write_product: WriteProduct, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("keep me")
    with pytest.raises(UsageError, match="holds other files; choose an empty or new folder"):
        compile_product(write_product(), out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious.txt"]


def test_a_profile_that_people_wrote_stays(write_product: WriteProduct) -> None:
    folder = write_product()
    own = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: mine.duckdb}\n"
    (folder / "profiles.yml").write_text(own)
    artifacts = compile_product(folder)
    assert (folder / "profiles.yml").read_text() == own
    assert artifacts.dbt.profiles_dir == "target"
    assert artifacts.dbt.profile["path"] == "{{ env_var('FLOE_PROJECT_DIR', '.') }}/shop.duckdb"
    assert CompiledArtifacts.load(folder).to_json() == artifacts.to_json()


def test_without_a_compute_the_projects_own_profile_is_used(write_product: WriteProduct) -> None:
    manifest = (
        "apiVersion: floe.dev/v1\nkind: Manifest\nmetadata: {name: platform, version: 1.0.0}\n"
        "plugins: {orchestrator: {type: plain}}\n"
    )
    folder = write_product(manifest=manifest)
    (folder / "profiles.yml").write_text(
        "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: mine.duckdb, schema: here}\n"
    )
    dbt = compile_product(folder).dbt
    assert (dbt.target_name, dbt.profiles_dir, dbt.profile) == (
        "dev",
        "target",
        {"type": "duckdb", "path": "mine.duckdb", "schema": "here"},
    )


def full_disk(folder: Path, bytes_left: int) -> subprocess.CompletedProcess[str]:
    """Compile where no file can grow beyond so many bytes, as on a disk that fills up."""
    code = (
        "import resource, signal, sys\n"
        "from dbt.cli.main import dbtRunner\n"
        "from floe_core.compiler.compile_product import prepare_product\n"
        "compiled = prepare_product(sys.argv[1])\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({bytes_left}, {bytes_left}))\n"
        "try:\n"
        "    compiled.write()\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("bytes_left", [0, 100_000])
def test_a_disk_that_fills_up_leaves_the_old_files(
    write_product: WriteProduct, bytes_left: int
) -> None:
    folder = write_product()
    compile_product(folder)
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    (folder / "models" / "first.sql").write_text("select 2 as other")
    before[folder / "models" / "first.sql"] = b"select 2 as other"
    done = full_disk(folder, bytes_left)
    assert done.stdout.startswith("EnvironmentProblemError"), done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("cannot be written: File too large; nothing was changed")
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def as_nobody(folder: Path) -> str:
    """Compile as a user who owns nothing, since root may write anywhere; return the complaint.

    The product is compiled once as root, to have everything imported that root alone can read.
    """
    code = (
        "import os, sys\n"
        "from floe_core.compiler.compile_product import compile_product, prepare_product\n"
        "prepare_product(sys.argv[1])\n"
        "os.setegid(65534), os.seteuid(65534)\n"
        "try:\n"
        "    compile_product(sys.argv[2])\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.parent / "rooted"), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.fixture
def folder_of_root(write_product: WriteProduct) -> Iterator[Path]:
    """Return a product below /tmp that everyone may read, and another one beside it."""
    root = Path(tempfile.mkdtemp(prefix="floe-of-root-"))
    shutil.copytree(write_product(), root / "product")
    shutil.copytree(root / "product", root / "rooted")
    subprocess.run(["chmod", "-R", "a+rX", str(root)], check=True)
    yield root / "product"
    shutil.rmtree(root)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_folder_that_cannot_be_written_is_told(folder_of_root: Path) -> None:
    assert as_nobody(folder_of_root) == (
        f"EnvironmentProblemError {folder_of_root / 'target'}: cannot be written: "
        "Permission denied; nothing was changed\n"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_file_that_cannot_be_read_is_told(folder_of_root: Path) -> None:
    (folder_of_root / "floe.yaml").chmod(0o600)
    assert as_nobody(folder_of_root) == (
        "EnvironmentProblemError floe.yaml: cannot be read: Permission denied\n"
    )


def test_the_artifacts_hold_no_sql(write_product: WriteProduct) -> None:
    folder = write_product(first="select 'a text that is nowhere else' as id")
    compile_product(folder)
    text = (folder / "compiled_artifacts.json").read_text()
    assert "a text that is nowhere else" not in text
    assert json.loads(text)["schema_version"] == "1.0"


def test_an_entry_point_that_was_edited_is_not_written_over(write_product: WriteProduct) -> None:
    folder = write_product()
    compile_product(folder)
    entry_point = next(
        path for path in folder.glob("*.py") if b"Generated by floe" in path.read_bytes()[:200]
    )
    compile_product(folder)
    edited = entry_point.read_text() + "\nmine = 1\n"
    entry_point.write_text(edited)
    with pytest.raises(InvalidProductError) as refused:
        compile_product(folder)
    assert "was edited since floe wrote it" in str(refused.value)
    assert entry_point.read_text() == edited


@pytest.mark.parametrize("profiles_dir", ["../elsewhere", "/etc", "target/../.."])
def test_a_profile_outside_of_the_folder_is_refused(
    write_product: WriteProduct, profiles_dir: str
) -> None:
    folder = write_product()
    compile_product(folder)
    path = folder / "compiled_artifacts.json"
    fields = json.loads(path.read_text())
    fields["dbt"]["profiles_dir"] = profiles_dir
    path.write_text(json.dumps(fields))
    with pytest.raises(StaleProductError) as refused:
        CompiledArtifacts.load(folder)
    assert "is outside of the product's folder" in str(refused.value)


def test_a_folder_without_a_dbt_project_is_refused(write_product: WriteProduct) -> None:
    folder = write_product()
    compile_product(folder)
    (folder / "dbt_project.yml").unlink()
    with pytest.raises(StaleProductError) as refused:
        CompiledArtifacts.load(folder)
    assert "dbt_project.yml: the file is missing" in str(refused.value)
