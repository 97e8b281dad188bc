"""Write Helm values as YAML for people to read, with the chart's comment above each key."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from floe_kubernetes.helm.value_comments import Place

WIDTH = 100


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
