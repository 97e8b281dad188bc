"""Write Helm values as YAML for people to read, with the chart's comment above each key."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

Place = tuple[str, ...]
_KEY = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z][\w.-]*):(?P<rest>.*)$")
_COMMENT = re.compile(r"^ *# ?(?P<text>.*)$")

WIDTH = 100


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


def values_text(
    values: Mapping[str, Any], comments: Mapping[Place, str], header: Sequence[str] = ()
) -> str:
    """Return values as YAML. `header` are lines of a comment at its top."""
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_add_comments(values, comments, ()), out)
    head = "".join(f"# {line}\n" for line in header)
    return f"{head}\n{out.getvalue()}" if head else out.getvalue()


def _add_comments(
    values: Mapping[str, Any], comments: Mapping[Place, str], place: Place
) -> CommentedMap:
    found = CommentedMap()
    for key, value in values.items():
        here = (*place, key)
        found[key] = _add_comments(value, comments, here) if isinstance(value, Mapping) else value
        if isinstance(value, Mapping) and not value:
            found[key].fa.set_flow_style()
        if comment := comments.get(here):
            room = max(WIDTH - 2 * len(place) - 2, 40)
            found.yaml_set_comment_before_after_key(
                key, before="\n".join(textwrap.wrap(comment, room)), indent=2 * len(place)
            )
    return found
