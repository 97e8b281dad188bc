"""The process of a launched run: `python -m floe_orchestrator_prefect.local.launched_run FD`.

Reads its order from standard input, runs it on the server that Prefect starts for the process, and
writes build events and the run's end to the file descriptor FD.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from io import RawIOBase

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Pending

from floe_core.build_events import BuildEvent, NodeResult, to_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.flow.product_flows import ProductFlows, product_flows
from floe_orchestrator_prefect.local.event_feed import listening
from floe_orchestrator_prefect.local.run_order import RunOrder
from floe_orchestrator_prefect.local.run_record import end_of


def main() -> None:
    """Run one order."""
    order = RunOrder.from_line(sys.stdin.readline())
    threading.Thread(target=_interrupt_at_end_of_input, daemon=True).start()
    with os.fdopen(int(sys.argv[1]), "wb", buffering=0) as told:
        run_order(order, told)


def run_order(order: RunOrder, told: RawIOBase) -> None:
    """Run, and tell each event and the end."""
    product = product_flows(CompiledArtifacts.load(order.project_dir))
    results: dict[str, NodeResult] = {}

    def hear(event: BuildEvent) -> None:
        if isinstance(event, NodeResult):
            results[event.unique_id] = event
        _write(told, to_line(event))

    with get_client(sync_client=True) as client:
        flow = product.flows[order.job]
        run = client.create_flow_run(flow, parameters=order.parameters, state=Pending())
        with listening(hear):
            _run(product, order, run)
        _write(told, end_of(client, run.id, results).to_line())


def _run(product: ProductFlows, order: RunOrder, run: FlowRun) -> None:
    """Run in Prefect's engine. An interrupt is somebody's wish, which it takes for a crash."""
    try:
        run_flow(product.flows[order.job], run, order.parameters, return_type="state")
    except KeyboardInterrupt:
        with get_client(sync_client=True) as client:
            message = "whoever launched the run broke it off"
            client.set_flow_run_state(run.id, Cancelled(message=message), force=True)


def _interrupt_at_end_of_input() -> None:
    # Unbuffered: a thread that holds the buffer's lock would break the interpreter's exit.
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


def _write(told: RawIOBase, line: str) -> None:
    """Tell the parent, unless it has stopped listening."""
    with suppress(BrokenPipeError):
        told.write(f"{line}\n".encode())


if __name__ == "__main__":
    main()
