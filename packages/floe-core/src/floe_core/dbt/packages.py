"""Install the packages that a dbt project names."""

from __future__ import annotations

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from floe_core.dbt.call import DbtCall
from floe_core.foundation.errors import EnvironmentProblemError

_LAST_LINES = 8


def install_packages(executable: str, project: Path) -> None:
    """Run `dbt deps`, which keeps to the versions of package-lock.yml if there is one.

    Raises:
        EnvironmentProblemError: It failed, for instance because a package cannot be downloaded.
    """
    with TemporaryDirectory(prefix="floe-deps-") as logs:
        call = DbtCall(executable, project, ("deps", "--log-path", logs), {})
        done = subprocess.run(
            call.command_line(),
            cwd=project,
            env=call.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        lines = (done.stdout.strip() or done.stderr.strip()).splitlines()[-_LAST_LINES:]
        raise EnvironmentProblemError("\n".join(["`dbt deps` failed:", *lines]))
