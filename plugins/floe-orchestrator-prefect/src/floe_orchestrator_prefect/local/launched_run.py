"""The process of a launched run: `python -m floe_orchestrator_prefect.local.launched_run FD`.

Reads its order from standard input, runs it on a server of its own, and reports build events and
the run's end to the file descriptor FD.
"""

from __future__ import annotations

import os
from pathlib import Path

from floe_core.foundation.garbage_collection import exit_without_collecting
from floe_core.plugin_api.launched_run.run_order import await_order, import_needed
from floe_core.plugin_api.launched_run.run_report import ParentWatch, reporting_to_parent
from floe_orchestrator_prefect.local.local_home import prepare_database
from floe_orchestrator_prefect.local.own_server import start_server

# Less than the launching process waits.
PATIENCE_SECONDS = 25.0


def main() -> None:
    """Run one order."""
    exit_without_collecting()
    prepare_database(Path(os.environ["PREFECT_HOME"]))
    server = start_server()
    # Prefect reads its settings when it is imported, and the server does its imports meanwhile.
    from floe_orchestrator_prefect.local.ordered_run import run_order

    import_needed()
    if server is not None:
        server.await_answer()
    order = await_order()
    ParentWatch(PATIENCE_SECONDS)
    with reporting_to_parent() as reporter:
        run_order(order, reporter)


if __name__ == "__main__":
    main()
