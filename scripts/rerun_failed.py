"""Run the tests that failed in the last run of pytest once more, alone.

make test-all ends with this when tests failed. On two cores beside 5,000 others a test can fail for
want of time; alone it must pass. What passes only now is listed: it is a bug to look into, of the
test or of floe. Failures in more than a few files are not run again; those in one file often come
of one thing that its tests share.

    python scripts/rerun_failed.py EXIT_CODE_OF_PYTEST
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CACHE = Path(".pytest_cache/v/cache/lastfailed")
TESTS_FAILED = 1
MOST_FILES = 3


def main(exit_code: int) -> int:
    """Return the exit code of the second run, or the first's where there is none."""
    failed = sorted(json.loads(CACHE.read_text())) if CACHE.exists() else []
    files = {test.partition("::")[0] for test in failed}
    if exit_code != TESTS_FAILED or not 0 < len(files) <= MOST_FILES:
        return exit_code
    print(f"\nrunning {len(failed)} failed tests again, alone", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "0", *failed]
    if again := subprocess.run(command, check=False).returncode:
        return again
    print("passed only when run again, alone:", *failed, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
