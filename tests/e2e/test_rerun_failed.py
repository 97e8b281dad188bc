"""What make test-all does when tests failed: a few run once more, alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "rerun_failed.py"
RULE = "!" * 100
# Each test fails until the file named after it is there.
TESTS = """\
from pathlib import Path
import pytest

@pytest.mark.parametrize("name", NAMES)
def test_it(name):
    there = Path(name).exists()
    print("looked for", name)
    if not name.startswith("always"):
        Path(name).touch()
    assert there
"""


SHOWN = f"""
{RULE}
PASSED ONLY WHEN RUN AGAIN, ALONE: 1 of at most 3 files

 test_them.py
    test_it[late]

Each is a bug of the test or of floe. What they said first: build/first-failures.txt
{RULE}
"""


def run_tests(
    folder: Path, *names: str, source: str = TESTS, files: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run tests of these names in each of some files, and what follows if they fail."""
    for number in range(files):
        there = [name + str(number) * bool(number) for name in names]
        name = f"test_them{number or ''}.py"
        (folder / name).write_text(source.replace("NAMES", repr(there)))
    return run_pytest_and_script(folder)


def run_pytest_and_script(folder: Path) -> subprocess.CompletedProcess[str]:
    report = ["--junitxml=build/test-all.xml", "-o", "junit_logging=all"]
    command = [sys.executable, "-m", "pytest", "-q", "--cache-clear", "-p", "no:randomly", *report]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    again = [sys.executable, str(SCRIPT), str(done.returncode)]
    environment = {**os.environ, "GITHUB_STEP_SUMMARY": str(folder / "summary.md")}
    return subprocess.run(
        again, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )


def test_what_passes_alone_is_listed(tmp_path: Path) -> None:
    (tmp_path / "passes").touch()
    done = run_tests(tmp_path, "passes", "late")

    assert done.returncode == 0
    assert "running 1 failed tests again, alone" in done.stdout
    assert done.stdout.endswith(SHOWN)
    assert (tmp_path / "build" / "passed-when-run-again.txt").read_text() == SHOWN


def test_what_passes_alone_is_in_the_summary_of_a_job_with_what_it_said_first(
    tmp_path: Path,
) -> None:
    run_tests(tmp_path, "late")

    said = (tmp_path / "build" / "first-failures.txt").read_text()
    assert said.startswith("test_them::test_it[late]\n")
    assert "looked for late" in said
    summary = (tmp_path / "summary.md").read_text()
    assert summary.startswith(
        "## Passed only when run again, alone\n\n- `test_them.py::test_it[late]`\n\n<details>"
    )
    assert "\n    test_them::test_it[late]\n" in summary


def test_a_file_that_passes_alone_is_listed_beside_one_that_fails(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "always", files=2)
    assert (done.returncode, "PASSED ONLY" in done.stdout) == (1, False)

    (tmp_path / "test_them.py").write_text(TESTS.replace("NAMES", "['late']"))
    done = run_pytest_and_script(tmp_path)
    assert done.returncode == 1
    assert done.stdout.endswith(SHOWN)


def test_what_fails_alone_too_fails(tmp_path: Path) -> None:
    done = run_tests(tmp_path, "late", "always")

    assert done.returncode == 1
    assert "PASSED ONLY" not in done.stdout
    assert not (tmp_path / "summary.md").exists()


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
