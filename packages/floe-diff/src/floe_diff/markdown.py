"""A difference as Markdown, for a person or a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from floe_core.cli.console import count_of
from floe_diff.jobs import JobDifference
from floe_diff.nodes import NodeDifference
from floe_diff.ports import PortChange
from floe_diff.products import ProductDifference

MAX_SHOWN = 50
MAX_TICKS = 3


def as_markdown(found: ProductDifference, title: str) -> str:
    """Return the whole difference, each kind under a heading of its own."""
    if not found:
        return f"## {title}\n\nNothing changed.\n"
    sections = [
        _section("Ports", map(_port, found.ports)),
        _section("Nodes added", map(_code, found.added)),
        _section("Nodes removed", map(_code, found.removed)),
        _section("Nodes changed", map(_node, found.changed)),
        _section("Downstream of these", map(_code, found.downstream)),
        _section("Jobs and ticks", _jobs(found)),
        _section(
            "Settings",
            (f"{part}: {change}" for part, changes in found.settings.items() for change in changes),
        ),
    ]
    return "\n".join([f"## {title}\n", *(section for section in sections if section)])


def ports_as_markdown(changes: Sequence[PortChange], title: str) -> str:
    """Return changes of ports alone."""
    found = _section("Ports", map(_port, changes))
    return "\n".join([f"## {title}\n", found or "Nothing differs.\n"])


def _section(heading: str, entries: Iterable[str]) -> str:
    lines = [f"- {entry}" for entry in entries]
    if not lines:
        return ""
    more = [f"- ... and {len(lines) - MAX_SHOWN} more"] if len(lines) > MAX_SHOWN else []
    return "\n".join([f"### {heading} ({len(lines)})\n", *lines[:MAX_SHOWN], *more, ""])


def _code(text: str) -> str:
    return f"`{text}`"


def _port(change: PortChange) -> str:
    breaks = f"; **breaks {', '.join(map(_code, change.breaks))}**" if change.breaks else ""
    return f"{_code(change.port)}: {change.what}{breaks}"


def _node(node: NodeDifference) -> str:
    parts = [
        "code" if node.has_new_code else "",
        "a macro, ephemeral model or var that it uses" if node.has_new_macros else "",
        "configuration" if node.has_new_config and not node.fields else "",
        *(f"+ depends on `{node_id}`" for node_id in node.gained),
        *(f"- no longer on `{node_id}`" for node_id in node.lost),
        *map(str, node.fields),
    ]
    return f"`{node.unique_id}`: {'; '.join(part for part in parts if part)}"


def _jobs(found: ProductDifference) -> Iterator[str]:
    days = (found.span[1] - found.span[0]).days
    return (_job(job, days) for job in found.jobs)


def _job(job: JobDifference, days: int) -> str:
    parts = [job.kind if job.kind != "changed" else ""]
    if job.kind == "changed" and (job.gained or job.lost):
        parts.append(f"{count_of(len(job.gained), 'node')} gained, {len(job.lost)} lost")
    if job.old_schedule != job.new_schedule:
        parts.append(f"{job.old_schedule or 'no schedule'} -> {job.new_schedule or 'no schedule'}")
    if job.old_deadline != job.new_deadline:
        parts.append(f"deadline {job.old_deadline or 'none'} -> {job.new_deadline or 'none'}")
    if job.old_pool != job.new_pool:
        parts.append(
            f"pool {job.old_pool or 'of the product'} -> {job.new_pool or 'of the product'}"
        )
    if job.was_full_refresh != job.is_full_refresh:
        parts.append(f"{'builds' if job.is_full_refresh else 'no longer builds'} from scratch")
    for what, ticks in (("gained", job.ticks_gained), ("lost", job.ticks_lost)):
        if ticks:
            number = count_of(len(ticks), "tick")
            parts.append(f"{number} {what} in {count_of(days, 'day')} ({_ticks(ticks)})")
    return f"`{job.name}`: {'; '.join(part for part in parts if part)}"


def _ticks(ticks: tuple[datetime, ...]) -> str:
    shown = ", ".join(f"{tick:%Y-%m-%d %H:%M}" for tick in ticks[:MAX_TICKS])
    return f"{shown}{', ...' if len(ticks) > MAX_TICKS else ''} UTC"
