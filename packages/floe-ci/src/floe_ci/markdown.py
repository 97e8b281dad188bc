"""The report of a check as one comment for a pull request."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from floe_ci.report import ChangeReport
from floe_core.cli.console import count_of
from floe_core.runs.build_events import NodeResult
from floe_diff.data import markdown as data_markdown
from floe_diff.markdown import as_markdown as difference_markdown

# GitHub refuses a comment of more than 65,536 characters; GitLab takes a million.
LONGEST = 65_000
MAX_ROWS = 100
MAX_MESSAGE = 1_500
_CUT = "\n\nThe rest is left out: a comment has a limit. `floe ci --json` has all of it.\n"
_BLANK_LINES = re.compile(r"\n{3,}")
_HEADING = re.compile(r"^#", re.MULTILINE)


def as_markdown(found: ChangeReport) -> str:
    """Return the whole comment, what needs attention first, cut where it gets too long."""
    sections = [_summary(found), *_attention(found), _format_built(found), *_differences(found)]
    text = "\n".join(section.strip("\n") + "\n" for section in sections if section)
    text = _BLANK_LINES.sub("\n\n", text)
    return text if len(text) <= LONGEST else _cut(text)


def _cut(text: str) -> str:
    """Return what fits, in whole lines, with no block of code left open."""
    kept = text[: LONGEST - len(_CUT) - len("```\n")].rpartition("\n")[0]
    is_open = kept.count("```") % 2 == 1
    return f"{kept}\n```{_CUT}" if is_open else f"{kept}{_CUT}"


def _harmless(found: ChangeReport) -> str:
    return "nothing breaks" + (" in the products checked" if found.unread_products else "")


def _summary(found: ChangeReport) -> str:
    verdict = "The build passed" if found.has_passed else "The build failed"
    breaks = len(found.breaking)
    broken = _count(len(found.difference.broken), "broken product")
    headline = ", ".join(
        [
            verdict,
            *([_count(breaks, "breaking change")] if breaks else []),
            *([broken] if found.difference.broken else []),
            *([] if found.is_breaking else [_harmless(found)]),
        ]
    )
    total = count_of(found.total, "node")
    rows = [
        ("built beside production", f"{len(found.built)} of {total}{_kinds(found)}"),
        ("read from production", count_of(found.total - len(found.built), "node")),
        ("did not pass", str(len(found.failed))),
        ("breaking changes", str(breaks)),
        ("tables that differ from production", _tables(found)),
    ]
    table = [f"| {name} | {value} |" for name, value in rows]
    title = f"## {found.product}: `{found.base}` to `{found.head}`"
    return "\n".join([title, "", f"**{headline}.**", "", "| | |", "| --- | --- |", *table])


def _kinds(found: ChangeReport) -> str:
    counts = Counter(node_id.partition(".")[0].replace("_", " ") for node_id in found.built)
    kinds = ", ".join(_count(number, kind) for kind, number in sorted(counts.items()))
    return f": {kinds}" if kinds else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _tables(found: ChangeReport) -> str:
    if found.data is None:
        return "none compared"
    return f"{len(found.data.tables)} of {found.data.compared} compared"


def _attention(found: ChangeReport) -> Iterator[str]:
    if found.breaking:
        yield _list(
            f"Breaking changes ({len(found.breaking)})",
            [f"`{each.node_id}`: {_line(each.what)}" for each in found.breaking],
        )
    if found.difference.broken:
        broken = [change for change in found.difference.ports if change.breaks]
        yield _list(f"Ports broken ({len(broken)})", [_line(str(each)) for each in broken])
    if found.failed or found.problem:
        yield "\n".join([f"### Did not pass ({len(found.failed)})\n", *_failures(found)])


def _failures(found: ChangeReport) -> Iterator[str]:
    if found.problem:
        yield _block(found.problem)
    shown = 0
    for node_id in found.failed:
        result = found.results.get(node_id) or NodeResult(node_id, "skipped")
        yield f"- `{node_id}`: {result.status}"
        if result.message and result.status != "skipped" and shown < MAX_ROWS:
            shown += 1
            yield _block(result.message)


def _block(text: str) -> str:
    shown = text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}..."
    return "\n".join(["", "```text", shown.replace("```", "'''").strip(), "```", ""])


def _format_built(found: ChangeReport) -> str:
    if not found.why:
        return "### Built (0)\n\nNothing that a build makes has changed.\n"
    rows = [
        f"| `{node_id}` | {_cell(why)} | {_status(found, node_id)} |"
        for node_id, why in found.why.items()
    ]
    more = [f"\n... and {len(rows) - MAX_ROWS} more"] if len(rows) > MAX_ROWS else []
    head = [f"### Built ({len(found.built)})\n", "| node | why | result |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows[:MAX_ROWS], *more])


def _status(found: ChangeReport, node_id: str) -> str:
    if node_id in found.left_out:
        return "left out"
    return found.results[node_id].status if node_id in found.results else "skipped"


def _differences(found: ChangeReport) -> Iterator[str]:
    if found.data is not None:
        yield _below(data_markdown.as_markdown(found.data, "Data"))
    notes = [
        f"`{i}` was built from nothing here, so it is not compared with production"
        for i in found.not_compared
    ]
    notes += [
        f"`{i}` goes to a schema of its own whatever the target's is, so it was not built; what "
        "reads it was given production's"
        for i in found.left_out
    ]
    notes += [
        f"`{i}` was not run: a check runs no steps and no freshness" for i in found.never_built
    ]
    notes += found.unread_products
    if notes:
        yield _list("Not checked", notes)
    yield _below(difference_markdown(found.difference, "What changed in the product"))


def _below(text: str) -> str:
    """Return Markdown with its headings one level deeper."""
    return _HEADING.sub("##", text)


def _list(heading: str, entries: Sequence[str]) -> str:
    more = [f"- ... and {len(entries) - MAX_ROWS} more"] if len(entries) > MAX_ROWS else []
    lines = [f"- {entry}" for entry in entries[:MAX_ROWS]]
    return "\n".join([f"### {heading}\n", *lines, *more])


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")
