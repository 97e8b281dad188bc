"""Run the tests that failed in the last run of pytest once more, alone.

make test-all ends with this when tests failed. On two cores beside 5,000 others a test can fail for
want of time; alone it must pass. What passes only now is listed by file: it is a bug to look into,
of the test or of floe, so what it said at first is kept. Failures in more than a few files are not
run again; those in one file often come of one thing that its tests share.

    python scripts/rerun_failed.py EXIT_CODE_OF_PYTEST
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from xml.etree import ElementTree

CACHE = Path(".pytest_cache/v/cache/lastfailed")
# What pytest wrote of its first run.
REPORT = Path("build/test-all.xml")
FIRST_FAILURES = Path("build/first-failures.txt")
# What is shown at the end, for who shows it again after more.
SHOWN = Path("build/passed-when-run-again.txt")
# A file to which GitHub's runner adds what a job shows on its page.
SUMMARY = "GITHUB_STEP_SUMMARY"
TESTS_FAILED = 1
MOST_FILES = 3
RULE = "!" * 100


def main(exit_code: int) -> int:
    """Return the exit code of the second run, or the first's where there is none."""
    failed = _failed()
    files = {_file(test) for test in failed}
    if exit_code != TESTS_FAILED or not 0 < len(files) <= MOST_FILES:
        return exit_code
    said = _first_failures()
    FIRST_FAILURES.parent.mkdir(exist_ok=True)
    FIRST_FAILURES.write_text(said)
    print(f"\nrunning {len(failed)} failed tests again, alone", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "0", *failed]
    again = subprocess.run(command, check=False).returncode
    still = {_file(test) for test in _failed()} if again else set()
    passed = {
        file: [test for test in failed if _file(test) == file] for file in sorted(files - still)
    }
    if again in (0, TESTS_FAILED) and passed:
        _show(passed)
        _add_to_summary(passed, said)
    return again


def _failed() -> list[str]:
    return sorted(json.loads(CACHE.read_text())) if CACHE.exists() else []


def _file(test: str) -> str:
    return test.partition("::")[0]


def _first_failures() -> str:
    """Return what the failed tests said, with their logs."""
    if not REPORT.exists():
        return ""
    return "\n\n".join(_told(ElementTree.parse(REPORT).getroot().iter("testcase")))


def _told(tests: Iterable[ElementTree.Element]) -> Iterable[str]:
    for test in tests:
        if test.find("failure") is not None or test.find("error") is not None:
            yield "\n".join(
                [
                    f"{test.get('classname')}::{test.get('name')}",
                    *(part.text or "" for part in test),
                ]
            )


def _show(passed: Mapping[str, list[str]]) -> None:
    lines = [
        RULE,
        f"PASSED ONLY WHEN RUN AGAIN, ALONE: {len(passed)} of at most {MOST_FILES} files",
    ]
    for file, tests in passed.items():
        lines += ["", f" {file}", *(f"    {test.partition('::')[2]}" for test in tests)]
    lines += [
        "",
        f"Each is a bug of the test or of floe. What they said first: {FIRST_FAILURES}",
        RULE,
    ]
    SHOWN.write_text("\n".join(["", *lines, ""]))
    print(SHOWN.read_text(), end="")


def _add_to_summary(passed: Mapping[str, list[str]], said: str) -> None:
    if not (path := os.environ.get(SUMMARY)):
        return
    lines = [
        "## Passed only when run again, alone",
        "",
        *(f"- `{test}`" for tests in passed.values() for test in tests),
        "",
        "<details><summary>What they said first</summary>",
        "",
        *(f"    {line}" for line in said.splitlines()),
        "",
        "</details>",
    ]
    with Path(path).open("a") as summary:
        summary.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
