"""Read YAML the way dbt does: YAML 1.1, with merge keys and repeated keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from floe_core.errors import InvalidProductError
from floe_core.source_map import Document, DocumentBuilder, Location, read_document

MERGE = "<<"
_TRUE = frozenset({"true", "yes", "on", "y"})


def read_dbt_document(path: Path, shown_as: str) -> Document:
    """Read a file of a dbt project: plain values only, a mapping at the top level.

    Raises:
        InvalidProductError: The file is invalid; has every problem that the reader can find.
        EnvironmentProblemError: The file cannot be read.
    """
    return read_document(path, shown_as, _DbtBuilder)


def read_mapping(text: str) -> dict[str, Any]:
    """Return a YAML mapping given on the command line.

    Raises:
        ValueError: The text is not a valid YAML mapping.
    """
    builder = _DbtBuilder("", text.split("\n"))
    try:
        found = builder.plain(builder.compose(text), ())
    except InvalidProductError as error:
        raise ValueError(error.problems[0].what) from None
    if builder.problems or not isinstance(found, dict):
        raise ValueError(builder.problems[0].what if builder.problems else "it is not a mapping")
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

    def _entries(self, node: MappingNode) -> Iterator[tuple[Node, Node]]:
        """Yield keys and values; those from a merge key come before the mapping's own."""
        for key, value in node.value:
            if key.value == MERGE:
                merged = value.value if isinstance(value, SequenceNode) else [value]
                for each in reversed(merged):
                    yield from self._entries(each) if isinstance(each, MappingNode) else ()
        yield from ((key, value) for key, value in node.value if key.value != MERGE)

    def _scalar(self, node: ScalarNode) -> Any:
        if str(node.tag).endswith(":bool"):
            return str(node.value).lower() in _TRUE
        return super()._scalar(node)
