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
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled

from floe_core.build_events import BuildEvent, NodeResult, to_line
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_orchestrator_prefect.flow.job_flow import JobFlow
from floe_orchestrator_prefect.flow.product_flows import product_flows
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
        with listening(hear):
            run_id = _run(product.flows[order.job], order)
        _write(told, end_of(client, run_id, results).to_line())


def _run(flow: JobFlow, order: RunOrder) -> UUID:
    """Run a flow, and return the id of its run.

    An interrupt is somebody's wish, which Prefect takes for a crash.
    """
    begun: list[UUID] = []

    @flow.on_running
    def note_run(flow: JobFlow, flow_run: FlowRun, state: State[Any]) -> None:
        begun.append(flow_run.id)

    try:
        state: Any = flow(**order.parameters, return_state=True)
    except KeyboardInterrupt:
        if not begun:
            raise
        with get_client(sync_client=True) as client:
            message = "whoever launched the run broke it off"
            client.set_flow_run_state(begun[0], Cancelled(message=message), force=True)
        return begun[0]
    run_id: UUID = state.state_details.flow_run_id
    return run_id


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
