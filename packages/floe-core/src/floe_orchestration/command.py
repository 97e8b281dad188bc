"""The command `floe`, once it is certain that its packages are ours."""

from __future__ import annotations

import sys

from floe_orchestration.namesakes import NamesakeError, refuse_namesakes


def main() -> None:
    """Run the command line; exit 3 if another project's packages are in the place of ours."""
    try:
        refuse_namesakes()
    except NamesakeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(3)
    from floe_core.cli.main import main as run

    run()
