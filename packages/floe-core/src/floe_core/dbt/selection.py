"""Build a dbt selection of exactly the given nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import PurePath

from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.nodes import Node

# Characters that dbt does not read as part of a name -> a wildcard that matches them. None holds a
# blank, a comma or a dot, which dbt splits at (`dbt.graph.cli`, `dbt.graph.selector_methods`).
_WILDCARDS = str.maketrans(
    {" ": "[!!-~]", ",": "[+--]", "*": "[*]", "?": "[?]", "[": "[[]", "]": "[]]", "+": "[+]"}
)


def arguments_for_nodes(
    artifacts: CompiledArtifacts, node_ids: Collection[str], further: Iterable[Node] = ()
) -> list[str]:
    """Return dbt's arguments for exactly these nodes, and `further` ones that it alone has.

    A selection by fully qualified name also matches nodes in a folder of that name, and nodes of
    another type or package with the same name. In these cases the file, the package and the type
    are named too. `empty` keeps dbt from adding the tests of the selected nodes.
    """
    others = [node for node in artifacts.built if node.unique_id not in node_ids]
    taking = {name for node in others for name in _names_taking(node)}
    words = {_word(artifacts.by_id[node_id], taking) for node_id in node_ids}
    words |= {_whole_word(node) for node in further}
    return ["--select", *sorted(words), "--indirect-selection", "empty"]


def needs_selection(
    artifacts: CompiledArtifacts, node_ids: Collection[str], every: Collection[object]
) -> bool:
    """Return whether dbt has to be told to take these of `every` node.

    A default selector of the project may leave out some that it is not told to take.
    """
    return bool(artifacts.dbt.default_selector) or len(node_ids) < len(every)


def escape(name: str) -> str:
    """Return a name as dbt's selection syntax takes it; dots are left as they are.

    >>> escape("orders, old")
    'orders[+--][!!-~]old'
    """
    return name.translate(_WILDCARDS)


def _word(node: Node, taking: Collection[str]) -> str:
    name = ".".join(node.fqn)
    word = f"fqn:{escape(name)}"
    if name not in taking and _version_tail(name.split(".")) not in taking:
        return word
    return _whole_word(node)


def _whole_word(node: Node) -> str:
    word = f"fqn:{escape('.'.join(node.fqn))}"
    file = escape(PurePath(node.path).name)
    return f"{word},file:{file},package:{node.package},resource_type:{node.resource_type}"


def _names_taking(node: Node) -> Iterator[str]:
    """Yield the names by which dbt takes a node: with or without its package, and of folders.

    Dots in the name of a model separate folders as well. dbt takes a version by its last two parts
    alone (`dbt.graph.selector_methods.is_selected_node`).
    """
    parts = [part for step in node.fqn for part in step.split(".")]
    for begin in (0, 1):
        yield from (".".join(parts[begin:end]) for end in range(begin + 1, len(parts) + 1))
    yield node.fqn[-1] if node.fqn else ""
    if node.version:
        yield _version_tail(node.fqn)


def _version_tail(parts: Sequence[str]) -> str:
    return "_".join(parts[-2:])
