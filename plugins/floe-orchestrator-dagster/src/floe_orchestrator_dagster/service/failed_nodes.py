"""Read the nodes that failed from the summary of a run's failure."""

from __future__ import annotations

from collections.abc import Container


def failed_nodes_in(text: str, known: Container[str]) -> dict[str, str]:
    """Return node id -> message, of the nodes named in what `failure_text` returned.

    A message may have several lines; `known` are the ids of the product's nodes.

    >>> failed_nodes_in("1 of 2 nodes: 1 error\\nmodel.s.a: no\\nLINE 1: ...", {"model.s.a"})
    {'model.s.a': 'no\\nLINE 1: ...'}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.split("\n"):
        name, colon, rest = line.partition(": ")
        if colon and name in known and name not in found:
            lines = found[name] = [rest]
        elif found:
            lines.append(line)
    return {name: "\n".join(each) for name, each in found.items()}
