"""Selections in dbt's syntax: of exactly the given nodes, and for a product that has steps.

A step is selected by its name, as `step:NAME`, or by a tag, with the graph operators `+`, `2+` and
`@`. `+model` also selects the steps upstream of a model. dbt evaluates everything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath

from floe_core.foundation.errors import UsageError
from floe_core.schemas.compiled_artifacts import CompiledArtifacts
from floe_core.schemas.node_graph import Edges, NodeGraph
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


# Returns the ids that dbt lists for these arguments, such as `--select tag:nightly`.
ListNodes = Callable[[list[str]], Iterable[str]]
_WORD = re.compile(r"(?P<at>@)?(?:(?P<up>\d*)\+)?(?P<core>[^+@].*?)(?:\+(?P<down>\d*))?")
_WHOLE = -1
_METHOD = "step:"


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of a selection. `up` and `down` are its depths, None for no graph operator."""

    text: str
    core: str
    up: int | None
    down: int | None
    is_at: bool

    @classmethod
    def of(cls, text: str) -> _Word:
        found = _WORD.fullmatch(text)
        if found is None or "," in text:
            return cls(text, text, None, None, False)
        return cls(
            text, found["core"], _depth(found["up"]), _depth(found["down"]), bool(found["at"])
        )

    @property
    def reaches(self) -> bool:
        """Whether it selects more than the nodes that it names."""
        return self.is_at or self.up is not None or self.down is not None


def _depth(text: str | None) -> int | None:
    return None if text is None else int(text or _WHOLE)


class StepSelection:
    """Selects nodes of a product; `nodes` are all nodes of the product, sources included."""

    def __init__(self, nodes: Sequence[Node], list_nodes: ListNodes) -> None:
        runnable = [node for node in nodes if node.is_runnable]
        self._graph = NodeGraph(runnable)
        self._steps = [node for node in runnable if node.is_step]
        self._tests = [node for node in runnable if node.is_test]
        self._by_id = {node.unique_id: node for node in runnable}
        self._list_nodes = list_nodes

    def take(self, select: str, exclude: str = "") -> set[str]:
        """Return the ids that are selected and not excluded; without `select`, start from all ids.

        Raises:
            UsageError: A step is used in a way that is not supported.
        """
        taken = self._select(select) if select.strip() else set(self._by_id)
        return taken - self._select(exclude) if exclude.strip() else taken

    def _select(self, selection: str) -> set[str]:
        found: set[str] = set()
        for_dbt: list[str] = []
        for word in map(_Word.of, selection.split()):
            self._refuse_intersection(word)
            named = self._find_named(word.core)
            if named:
                found |= self._with_tests(named | self._expand(named, word))
            if not named or word.core.startswith("tag:"):
                for_dbt.append(word.text)
                found |= self._through_steps(word)
        return found | (self._list_with_dbt(*for_dbt) if for_dbt else set())

    def _refuse_intersection(self, word: _Word) -> None:
        for part in word.text.split(",") if "," in word.text else ():
            core = part.strip("+@0123456789")
            if self._find_named(core) and not core.startswith("tag:"):
                what = f"{word.text}: a step can't be intersected with ','; name it by itself"
                raise UsageError(what)

    def _find_named(self, core: str) -> set[str]:
        """Return the steps that a word names: by name, by `step:` and a pattern, or by a tag."""
        if core.startswith("tag:"):
            return {s.unique_id for s in self._steps if core.removeprefix("tag:") in s.tags}
        pattern = core.removeprefix(_METHOD)
        found = {step.unique_id for step in self._steps if fnmatchcase(step.name, pattern)}
        if core.startswith(_METHOD) and not found:
            raise UsageError(f"{core}: the product has no such step")
        is_name = core.startswith(_METHOD) or not set(core) & set("*?[")
        return found if is_name else set()

    def _through_steps(self, word: _Word) -> set[str]:
        """Return the nodes that a dbt word reaches through steps, and these; dbt finds the rest."""
        if not word.reaches:
            return set()
        named = self._list_with_dbt(word.core)
        reached = self._expand({i for i in named if not self._by_id[i].is_test}, word)
        if not any(self._by_id[each].is_step for each in reached):
            return set()
        return self._with_tests(reached)

    def _list_with_dbt(self, *words: str) -> set[str]:
        return {i for i in self._list_nodes(["--select", *words]) if i in self._by_id}

    def _expand(self, named: set[str], word: _Word) -> set[str]:
        if word.is_at:
            below = named | self._reach(named, self._graph.children, _WHOLE)
            return below | self._reach(below, self._graph.parents, _WHOLE)
        up = self._reach(named, self._graph.parents, word.up)
        return up | self._reach(named, self._graph.children, word.down)

    def _reach(self, named: set[str], edges: Edges, depth: int | None) -> set[str]:
        found: set[str] = set()
        frontier = set(named)
        left = 0 if depth is None else depth
        while frontier and left != 0:
            frontier = {each for node_id in frontier for each in edges[node_id]} - found
            found |= frontier
            left -= 1
        return {i for i in found if not self._by_id[i].is_test}

    def _with_tests(self, taken: set[str]) -> set[str]:
        """Return the nodes and the tests that read one of them, as in dbt's eager mode."""
        tests = {test.unique_id for test in self._tests if taken & set(test.depends_on)}
        return taken | tests
