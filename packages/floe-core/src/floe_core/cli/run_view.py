"""Show a run in the terminal: one line for each node as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.status import Status

from floe_core.cli.console import is_json_log, log_event, stderr
from floe_core.foundation.stages import end_stage
from floe_core.runs.build_events import (
    BuildEnded,
    BuildEvent,
    NodeLog,
    NodeResult,
    NodeStarted,
    NodeStatus,
    PartitionResult,
)
from floe_core.schemas.compiled_artifacts import CompiledArtifacts

MARKS: dict[NodeStatus, str] = {
    "success": "[green]ok[/]     ",
    "pass": "[green]pass[/]   ",
    "warn": "[yellow]warn[/]   ",
    "fail": "[red]FAIL[/]   ",
    "error": "[red]ERROR[/]  ",
    "skipped": "[dim]skipped[/]",
    "reused": "[dim]reused[/] ",
}


# A terminal has room for a line for each node of a run with at most so many.
_MOST_LINES = 60
_GREEN = ("success", "pass", "reused")


class RunView:
    """Prints each node as it ends and, on a terminal, the nodes that are running.

    On a terminal, large runs print only nodes that are not green.
    """

    def __init__(self, artifacts: CompiledArtifacts, console: Console, total: int) -> None:
        self._artifacts = artifacts
        self._console = console
        self._total = total
        self._ended: set[str] = set()
        self._bad = 0
        self._began = time.monotonic()
        self._hides_green = console.is_terminal and total > _MOST_LINES
        self._running: dict[str, None] = {}
        self._partition = ""
        self._latest_message = "starting"
        self._status = Status(self._latest_message, console=console)

    def __enter__(self) -> RunView:
        end_stage()
        self._status.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()

    def receive(self, event: BuildEvent) -> None:
        """Show one event of the run."""
        if isinstance(event, NodeStarted):
            self._running[event.unique_id] = None
        elif isinstance(event, NodeResult):
            self._show_result(event)
        elif isinstance(event, PartitionResult):
            self._partition = f"{event.key}  "
        elif isinstance(event, NodeLog) and event.is_from_project:
            self._console.print(escape(event.text), soft_wrap=True)
        elif isinstance(event, NodeLog) and not event.unique_id:
            self._show_message(event)
        elif isinstance(event, BuildEnded):
            self._running.clear()
        names = ", ".join(self._name(node_id) for node_id in list(self._running)[:4])
        doing = names or ("" if self._ended else self._latest_message)
        self._status.update(f"{self.progress()}  {self._partition}{escape(doing)}")

    def progress(self) -> str:
        """Return how many nodes have ended and failed, and how long the others may take."""
        done, seconds = len(self._ended), time.monotonic() - self._began
        failed = f", [red]{self._bad} failed[/]" if self._bad else ""
        if not done or not self._hides_green or done >= self._total:
            return f"{done} of {self._total}{failed}"
        left = int(seconds / done * (self._total - done))
        return f"{done} of {self._total}{failed}, about {left // 60}:{left % 60:02} left"

    def _show_message(self, message: NodeLog) -> None:
        """Show a message that belongs to no node: print errors, show others until a node runs.

        Warnings are printed from then on, and floe's own at any time; those of dbt before a node
        runs are about its parse.
        """
        has_begun = bool(self._ended or self._running)
        is_printed = has_begun or message.is_from_floe
        if message.level == "error" or (message.level == "warn" and is_printed):
            color = "red" if message.level == "error" else "yellow"
            self._console.print(escape(message.text), style=color, soft_wrap=True)
        elif not has_begun:
            self._latest_message = message.text

    def _show_result(self, result: NodeResult) -> None:
        self._running.pop(result.unique_id, None)
        is_retried = result.unique_id in self._ended
        self._ended.add(result.unique_id)
        self._bad += result.status in ("error", "fail") and not is_retried
        if self._hides_green and result.status in _GREEN and not is_retried:
            return
        count = f"{len(self._ended):>{len(str(self._total))}}/{self._total}"
        count = f"{'again':>{len(count)}}" if is_retried else count
        kind = result.unique_id.partition(".")[0]
        name = escape(self._name(result.unique_id))
        partitions = f", {len(result.partitions)} partitions" if result.partitions[1:] else ""
        seconds = f"[dim]{result.seconds:.2f} s{partitions}[/]"
        self._console.print(
            f"  {count}  {MARKS[result.status]}  {kind:<9} {name}  {seconds}",
            soft_wrap=True,
        )
        color = {"error": "red", "fail": "red", "warn": "yellow"}.get(result.status)
        if color:
            for line in result.message.strip().splitlines():
                self._console.print(f"          {escape(line)}", style=color, soft_wrap=True)

    def _name(self, node_id: str) -> str:
        node = self._artifacts.by_id.get(node_id)
        return node.label if node else node_id


@contextmanager
def watch_run(artifacts: CompiledArtifacts, total: int) -> Iterator[Callable[[BuildEvent], None]]:
    """Show a run or a build as its `--log-format` says; yield what receives its events."""
    if is_json_log():
        yield log_event
        return
    with RunView(artifacts, stderr(), total) as view:
        yield view.receive
