"""What make test-all does when tests failed: a few run once more, alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "rerun_failed.py"
# Each test fails until the file named after it is there.
TESTS = """\
from pathlib import Path
import pytest

@pytest.mark.parametrize("name", NAMES)
def test_it(name):
    there = Path(name).exists()
    if not name.startswith("always"):
        Path(name).touch()
    assert there
"""


def run_tests(
    folder: Path, *names: str, source: str = TESTS, files: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run tests of these names in each of some files, and what follows if they fail."""
    for number in range(files):
        there = [name + str(number) * bool(number) for name in names]
        name = f"test_them{number or ''}.py"
        (folder / name).write_text(source.replace("NAMES", repr(there)))
    command = [sys.executable, "-m", "pytest", "-q", "--cache-clear", "-p", "no:randomly"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    again = [sys.executable, str(SCRIPT), str(done.returncode)]
    return subprocess.run(again, cwd=folder, capture_output=True, text=True, check=False)


def test_what_passes_alone_is_listed(tmp_path: Path) -> None:
    (tmp_path / "passes").touch()
    done = run_tests(tmp_path, "passes", "late")

    assert done.returncode == 0
    assert "running 1 failed tests again, alone" in done.stdout
    assert done.stdout.endswith(
        "passed only when run again, alone:\n  test_them.py::test_it[late]\n"
    )


def test_what_fails_alone_too_fails(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "late", "always")

    assert done.returncode == 1
    assert "passed only" not in done.stdout


def test_all_that_failed_in_one_file_runs_again(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "one", "two", "three", "four")

    assert done.returncode == 0
    assert "running 4 failed tests again, alone" in done.stdout


def test_failures_in_many_files_are_not_run_again(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "one", files=4)

    assert (done.returncode, done.stdout) == (1, "")


def test_tests_that_could_not_be_collected_fail(tmp_path: Path) -> None:
    done = run_tests(tmp_path, source="def test_it(:\n")

    assert (done.returncode, done.stdout) == (2, "")
