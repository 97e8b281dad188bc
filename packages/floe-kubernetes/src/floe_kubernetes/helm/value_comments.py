"""Read the comment of each key from a chart's values.yaml."""

from __future__ import annotations

import re

Place = tuple[str, ...]
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w.-]*):(?P<rest>.*)$")
_COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")


def value_comments(text: str) -> dict[Place, str]:
    r"""Return each key's place -> the comment right above it, as one line.

    >>> value_comments("# A port\n# of ours.\nport: 1\nweb:\n  # On.\n  enabled: true\n")
    {('port',): 'A port of ours.', ('web',): '', ('web', 'enabled'): 'On.'}
    """
    found: dict[Place, str] = {}
    path: list[tuple[int, str]] = []
    above: list[str] = []
    for line in text.splitlines():
        if comment := _COMMENT.match(line):
            above.append(comment["text"].strip())
        elif key := _KEY.match(line):
            indent = len(key["indent"])
            path = [step for step in path if step[0] < indent] + [(indent, key["key"])]
            found[tuple(name for _, name in path)] = " ".join(above)
            above = []
        else:
            # An empty line separates a heading from the keys below it.
            above = []
    return found
