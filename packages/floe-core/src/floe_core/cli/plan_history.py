"""The time and rows that past runs of a product saved, as `floe plan --history` prints them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from floe_core.cli.console import count_of, stdout

if TYPE_CHECKING:
    from floe_core.execution.record.saved_time import RunSaving


def history_rows(savings: Sequence[RunSaving]) -> list[dict[str, Any]]:
    """Return runs as JSON, oldest first; times are ISO 8601 in UTC."""
    return [
        {
            "run_id": each.run_id,
            "ended_at": each.ended_at.isoformat(timespec="seconds"),
            "built": each.built,
            "reused": each.reused,
            "build_seconds": each.build_seconds,
            "saved_seconds": each.saved_seconds,
            "saved_rows": each.saved_rows,
        }
        for each in savings
    ]


def history_markdown(savings: Sequence[RunSaving]) -> str:
    """Return runs as a Markdown table."""
    head = ["| ended (UTC) | run | ran | reused | seconds | saved | rows saved |"]
    head += ["| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    rows = (" | ".join(_cells(each)) for each in savings)
    return "\n".join([*head, *(f"| {row} |" for row in rows), "", total_of(savings)])


def print_history(savings: Sequence[RunSaving]) -> None:
    """Print runs as a table, with their total savings."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("ended (UTC)")
    table.add_column("run")
    for title in ("ran", "reused", "seconds", "saved", "rows saved"):
        table.add_column(title, justify="right")
    for each in savings:
        table.add_row(*map(escape, _cells(each)))
    if savings:
        stdout().print(table)
    stdout().print(total_of(savings))


def total_of(savings: Sequence[RunSaving]) -> str:
    """Return the total savings of runs as a sentence."""
    saved = sum(each.saved_seconds for each in savings)
    ran = sum(each.build_seconds for each in savings)
    share = f" ({saved / (saved + ran):.0%} of all)" if saved else ""
    return f"{count_of(len(savings), 'run')}: {ran:.1f} s of building, {saved:.1f} s saved{share}"


def _cells(saving: RunSaving) -> list[str]:
    return [
        f"{saving.ended_at:%Y-%m-%d %H:%M}",
        saving.run_id,
        str(saving.built),
        str(saving.reused),
        f"{saving.build_seconds:.1f}",
        f"{saving.saved_seconds:.1f}",
        f"{saving.saved_rows:,}",
    ]
