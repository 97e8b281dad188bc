"""Read YAML the way dbt does: YAML 1.1, with merge keys and repeated keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from floe_core.foundation.errors import InvalidProductError
from floe_core.user_yaml.dbt_vars import add_tag
from floe_core.user_yaml.source_map import Document, DocumentBuilder, Location, read_document
from floe_core.user_yaml.yaml_1_1 import bool_of, float_of, int_of, time_of

MERGE = "<<"
EXAMPLE = "write a mapping, such as '{day: 1}'"
_SCALARS = {"bool": bool_of, "int": int_of, "float": float_of, "timestamp": time_of}


def read_dbt_document(path: Path, shown_as: str) -> Document:
    """Read a file of a dbt project: plain values only, a mapping at the top level.

    Raises:
        InvalidProductError: The file is invalid; has every problem that the reader can find.
        EnvironmentProblemError: The file cannot be read.
    """
    return read_document(path, shown_as, _DbtBuilder)


def read_vars(text: str) -> dict[str, Any]:
    """Return the dbt vars given as YAML on the command line, as in `dbt_vars`.

    Raises:
        ValueError: The text is not a valid YAML mapping, or has a key that is not text.
    """
    builder = _VarsBuilder("", text.split("\n"))
    try:
        found = builder.plain(builder.compose(text), ())
    except InvalidProductError as error:
        raise ValueError(f"{error.problems[0].what}; {EXAMPLE}") from None
    if builder.problems:
        problem = builder.problems[0]
        raise ValueError(f"{problem.what}; {problem.fix or EXAMPLE}")
    if not isinstance(found, dict):
        raise ValueError(f"it is not a mapping; {EXAMPLE}")
    return found


class _DbtBuilder(DocumentBuilder):
    """Builds data like PyYAML's safe loader, which dbt uses: of two equal keys the later wins."""

    def parser(self) -> YAML:
        yaml = YAML(typ="safe", pure=True)
        yaml.version = (1, 1)
        return yaml

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in self._entries(node):
            key = str(key_node.value)
            self.note_spot((*location, key), value_node, key_node)
            found[key] = self.plain(value_node, (*location, key))
        return found

    def _entries(self, node: MappingNode, depth: int = 0) -> Iterator[tuple[Node, Node]]:
        """Yield keys and values; those from a merge key come before the mapping's own."""
        self.count_value(depth)
        for key, value in node.value:
            if key.value == MERGE:
                merged = value.value if isinstance(value, SequenceNode) else [value]
                for each in reversed(merged):
                    is_map = isinstance(each, MappingNode)
                    yield from self._entries(each, depth + 1) if is_map else ()
        yield from ((key, value) for key, value in node.value if key.value != MERGE)

    def _scalar(self, node: ScalarNode) -> Any:
        read = _SCALARS.get(str(node.tag).rpartition(":")[2])
        return super()._scalar(node) if read is None else read(str(node.value))


class _VarsBuilder(_DbtBuilder):
    """Refuses keys that are not text: dbt takes none, except in nested values, nor does JSON."""

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        for key, _ in self._entries(node):
            kind = str(key.tag).rpartition(":")[2]
            if not isinstance(key, ScalarNode):
                self.report(key, "a key is not text", EXAMPLE)
            elif kind == "timestamp" or not isinstance(self._scalar(key), str):
                self.report(key, f"dbt reads the key {key.value} as {kind}", "put it in quotes")
        return super()._mapping(node, location)

    def _scalar(self, node: ScalarNode) -> Any:
        is_time = str(node.tag).endswith(":timestamp")
        return add_tag(str(node.value)) if is_time else super()._scalar(node)
