"""Run a module in a process that does one thing and ends: `python -m PROGRAM MODULE ARGUMENT...`.

It seldom looks for garbage: scans during the imports of dbt and an orchestrator take a sixth of the
time of these imports.
"""

from __future__ import annotations

import runpy
import sys

from floe_core.foundation.garbage_collection import seldom_collecting

PROGRAM = "floe_core.plugin_api.launched_run.program"


def main() -> None:
    """Run the module as if it had been started itself."""
    module = sys.argv.pop(1)
    with seldom_collecting():
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
