"""What `floe run` and `floe dev` send to each other: JSON, one object a message."""

from __future__ import annotations

import json
from dataclasses import asdict
from multiprocessing.connection import Connection
from typing import Any

from floe_core.foundation.errors import FloeError, InvalidProductError, Problem
from floe_core.plugin_api.powers import RunReport
from floe_core.runs.build_events import NodeResult, from_line, to_line

Message = dict[str, Any]
# What a caller asks for.
COMPILE, CHOOSE, RUN, CANCEL = "compile", "choose", "run", "cancel"
# What it gets: any number of the first three, then one of the others.
STAGE, NOTICE, EVENT = "stage", "notice", "event"
COMPILED, CHOSEN, REPORT, ERROR = "compiled", "chosen", "report", "error"


def send(connection: Connection, message: Message) -> None:
    """Send a message.

    Raises:
        OSError: The other side is gone.
    """
    connection.send_bytes(json.dumps(message).encode())


def receive(connection: Connection) -> Message:
    """Return the next message.

    Raises:
        EOFError, OSError: The other side is gone.
    """
    message: Message = json.loads(connection.recv_bytes())
    return message


def of_error(error: FloeError) -> Message:
    """Return an error as data.

    >>> found = error_of(of_error(InvalidProductError([Problem("it is wrong", file="floe.yaml")])))
    >>> found.exit_code, str(found)
    (1, 'floe.yaml: it is wrong')
    """
    problems = error.problems if isinstance(error, InvalidProductError) else ()
    fields = [asdict(problem) for problem in problems]
    return {"message": str(error), "exit_code": error.exit_code, "problems": fields}


def error_of(fields: Message) -> FloeError:
    """Return the error that `of_error` wrote, to be raised."""
    if fields["problems"]:
        return InvalidProductError(Problem(**each) for each in fields["problems"])
    error = FloeError(fields["message"])
    error.exit_code = fields["exit_code"]
    return error


def of_report(report: RunReport) -> Message:
    """Return a report as data."""
    fields = {name: getattr(report, name) for name in ("status", "run_id", "seconds", "message")}
    nodes = [to_line(result) for result in report.nodes.values()]
    return {**fields, "look_further": report.look_further, "nodes": nodes}


def report_of(fields: Message) -> RunReport:
    """Return the report that `of_report` wrote.

    >>> report = RunReport("success", "1", 2.0, {"model.a.b": NodeResult("model.a.b", "success")})
    >>> report_of(json.loads(json.dumps(of_report(report)))) == report
    True
    """
    results = [from_line(line) for line in fields.pop("nodes")]
    nodes = {each.unique_id: each for each in results if isinstance(each, NodeResult)}
    return RunReport(nodes=nodes, **fields)
