"""Read YAML as plain data, with the position of each value in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from floe_core.foundation.errors import EnvironmentProblemError, InvalidProductError, Problem
from floe_core.secrets.recognition import may_hold_secret
from floe_core.user_yaml.yaml_1_1 import TimestampText

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
MAX_DEPTH = 64

Location = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Spot:
    """The start of a value and of its key; lines and columns count from 1."""

    line: int
    column: int
    key_line: int
    key_column: int


@dataclass(frozen=True)
class Document:
    """A YAML file's data, with a mapping at the top level, and the spot of each value."""

    path: Path
    shown_as: str
    data: dict[str, Any]
    spots: Mapping[Location, Spot]
    lines: list[str]

    def problem(
        self, location: Location, what: str, fix: str = "", at_key: bool = False
    ) -> Problem:
        """Return a problem at a value or its key, or at the nearest parent that exists."""
        spot = self._nearest(location)
        line = spot.key_line if at_key else spot.line
        column = spot.key_column if at_key else spot.column
        return Problem(what, fix, self.shown_as, line, column, excerpt(self.lines, line))

    def _nearest(self, location: Location) -> Spot:
        for length in range(len(location), 0, -1):
            if location[:length] in self.spots:
                return self.spots[location[:length]]
        return Spot(1, 1, 1, 1)


def read_document(
    path: Path, shown_as: str, reader: type[DocumentBuilder] | None = None
) -> Document:
    """Read one YAML 1.2 file: plain values only, no tags or duplicate keys, a mapping at the top.

    `reader` is the builder for another dialect of YAML.

    Raises:
        InvalidProductError: The file is invalid; has every problem that the reader can find.
        EnvironmentProblemError: The file cannot be read.
    """
    text = _read_text(path, shown_as)
    builder = (reader or DocumentBuilder)(shown_as, text.split("\n"))
    root = builder.compose(text)
    data = builder.plain(root, ())
    if not isinstance(data, dict) and not builder.problems:
        found = "empty" if data is None else f"a {type(data).__name__}"
        builder.report(root, f"the file is {found}, not a mapping of keys to values")
    if builder.problems:
        raise InvalidProductError(builder.problems)
    return Document(path, shown_as, data, builder.spots, builder.lines)


def _read_text(path: Path, shown_as: str) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            what = f"the file has {size:,} bytes; floe reads up to {MAX_BYTES:,}"
            raise InvalidProductError(
                [Problem(what, "this is not a floe file, or it is damaged", shown_as)]
            )
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise InvalidProductError([Problem(what, "save the file as UTF-8", shown_as)]) from None
    except IsADirectoryError:
        raise InvalidProductError([Problem("is a folder, not a file", file=shown_as)]) from None
    except FileNotFoundError:
        raise InvalidProductError([Problem("there is no such file", file=shown_as)]) from None
    except OSError as error:
        raise EnvironmentProblemError(f"{shown_as}: cannot be read: {error.strerror}") from error


def excerpt(lines: list[str], line: int) -> str:
    """Return a line of the file to show in a message, "" if it may contain a secret."""
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    return "" if may_hold_secret(text) else text


class DocumentBuilder:
    """Turns YAML's node graph into plain data, and collects problems."""

    def __init__(self, shown_as: str, lines: list[str]) -> None:
        self.lines = lines
        self.problems: list[Problem] = []
        self.spots: dict[Location, Spot] = {}
        self._shown_as = shown_as
        self._values = 0

    def compose(self, text: str) -> Node | None:
        """Return the root of the node graph, None for an empty file."""
        try:
            documents = list(self.parser().compose_all(text))
        except MarkedYAMLError as error:
            raise InvalidProductError([self._syntax_problem(error)]) from None
        except YAMLError as error:
            what = " ".join(str(error).split())
            raise InvalidProductError([Problem(what, "fix the YAML", self._shown_as)]) from None
        except RecursionError:
            raise InvalidProductError([self._too_deep()]) from None
        if len(documents) > 1:
            self.report(documents[1], "a second YAML document; floe reads one a file")
        return documents[0] if documents else None

    def parser(self) -> YAML:
        """Return the parser of this dialect."""
        return YAML(typ="safe", pure=True)

    def note_spot(self, location: Location, value: Node, key: Node) -> None:
        """Record the position of a value and its key."""
        self.spots[location] = _spot(value, key)

    def report(self, node: Node | None, what: str, fix: str = "") -> None:
        """Record a problem at a node."""
        line = node.start_mark.line + 1 if node else 1
        column = node.start_mark.column + 1 if node else 1
        shown = excerpt(self.lines, line)
        self.problems.append(Problem(what, fix, self._shown_as, line, column, shown))

    def plain(self, node: Node | None, location: Location) -> Any:
        """Return a node as plain data. Aliases are followed, up to a total number of values."""
        self.count_value(len(location))
        if isinstance(node, MappingNode):
            return self._mapping(node, location)
        if isinstance(node, SequenceNode):
            return self._sequence(node, location)
        return self._scalar(node) if isinstance(node, ScalarNode) else None

    def count_value(self, depth: int) -> None:
        """Refuse a document with too many values, or nested too deep."""
        self._values += 1
        if self._values > MAX_VALUES:
            what = f"more than {MAX_VALUES:,} values once aliases are followed"
            raise InvalidProductError(
                [Problem(what, "write it out without aliases", self._shown_as)]
            )
        if depth > MAX_DEPTH:
            raise InvalidProductError([self._too_deep()])

    def _mapping(self, node: MappingNode, location: Location) -> dict[str, Any]:
        self._refuse_tag(node, "map")
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            if key in found:
                self.report(key_node, f"the key '{key}' is repeated here", "keep one")
                continue
            self.spots[*location, key] = _spot(value_node, key_node)
            found[key] = self.plain(value_node, (*location, key))
        return found

    def _key(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and node.value != "<<":
            return str(node.value)
        what = (
            "merge keys (<<) are not read" if isinstance(node, ScalarNode) else "a key is not text"
        )
        self.report(node, what, "write the keys out")
        return None

    def _sequence(self, node: SequenceNode, location: Location) -> list[Any]:
        self._refuse_tag(node, "seq")
        found = []
        for index, item in enumerate(node.value):
            self.spots[*location, index] = _spot(item, item)
            found.append(self.plain(item, (*location, index)))
        return found

    def _scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).removeprefix(_TAG)
        if kind not in _SCALARS:
            self._refuse_tag(node, "")
            return node.value
        return _SCALARS[kind](node.value)

    def _refuse_tag(self, node: Node, expected: str) -> None:
        if str(node.tag) != _TAG + expected:
            self.report(node, f"the YAML tag '{node.tag}' is not allowed", "write a plain value")

    def _syntax_problem(self, error: MarkedYAMLError) -> Problem:
        mark = error.problem_mark or error.context_mark
        what = "broken YAML: " + " ".join(str(error.problem or error.context or error).split())
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        shown = excerpt(self.lines, line)
        return Problem(what, "fix the YAML", self._shown_as, line, column, shown)

    def _too_deep(self) -> Problem:
        return Problem(f"nested more than {MAX_DEPTH} deep", "flatten it", self._shown_as)


def _spot(value: Node, key: Node) -> Spot:
    return Spot(
        value.start_mark.line + 1,
        value.start_mark.column + 1,
        key.start_mark.line + 1,
        key.start_mark.column + 1,
    )


def _integer(text: str) -> int | str:
    """Return a YAML 1.2 integer; one that Python rejects, such as 10,000 digits, stays a string."""
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        return text


def _float(text: str) -> float | str:
    try:
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text


_SCALARS: Mapping[str, Any] = {
    "str": str,
    "null": lambda text: None,
    "bool": lambda text: text.lower() == "true",
    "int": _integer,
    "float": _float,
    "timestamp": TimestampText,
}


def text_values(data: Any, location: Location = ()) -> Iterator[tuple[Location, str]]:
    """Yield every string in plain data with its location, depth first."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from text_values(value, (*location, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from text_values(value, (*location, index))
    elif isinstance(data, str):
        yield location, data
