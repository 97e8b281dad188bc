"""What dbt is spared, and that nobody can see it: the same answers, contexts and messages."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import Any

import dbt_common.events.base_types as event_types
import networkx as nx
import pytest
from borrowed_names import borrowed_names, without
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.cache import RelationsCache
from dbt.adapters.contracts.relation import Path
from dbt.adapters.duckdb.impl import DuckDBAdapter
from dbt.adapters.events.types import ConnectionUsed, NewConnection
from dbt.clients.jinja import MacroGenerator, MacroStack
from dbt.compilation import Linker
from dbt.context import base as contexts
from dbt.context.macros import MacroNamespaceBuilder
from dbt.context.manifest import ManifestContext
from dbt.events.types import NodeCompiling
from dbt.graph.selector_methods import QualifiedNameSelectorMethod
from dbt.node_types import NodeType
from dbt_common.clients import agate_helper, system
from dbt_common.events.base_types import BaseEvent, EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.functions import get_event_manager
from dbt_common.events.logger import LoggerConfig
from dbt_common.exceptions import DbtBaseException

from floe_core.dbt.lighter_dbt import known_source, lighter_dbt

REPLACED: list[tuple[Any, str]] = [
    (BaseAdapter, "get_relation"),
    (BaseEvent, "__init__"),
    (BaseEvent, "__getattr__"),
    (BaseEvent, "__setattr__"),
    (EventManager, "fire_event"),
    (MacroNamespaceBuilder, "build_namespace"),
    (ManifestContext, "to_dict"),
    (Linker, "add_test_edges_1"),
    (Linker, "find_cycles"),
    (QualifiedNameSelectorMethod, "search"),
    (agate_helper, "empty_table"),
    (system, "json"),
    (contexts, "get_context_modules"),
]


def parts_of_dbt() -> list[Any]:
    return [vars(owner)[name] for owner, name in REPLACED]


def test_all_of_it_works_with_the_installed_dbt_and_ends_with_the_block() -> None:
    before = parts_of_dbt()
    with lighter_dbt([], ()):
        inside = parts_of_dbt()
    assert [one is other for one, other in zip(before, inside, strict=True)] == [False] * len(
        REPLACED
    )
    assert parts_of_dbt() == before


def test_code_that_it_was_not_written_for_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_source, "KNOWN", {name: set() for name in known_source.KNOWN})
    before = parts_of_dbt()
    with lighter_dbt([], ()):
        assert parts_of_dbt() == before


# These two are blocks of their own, with tests of their own.
DOORS = [
    door
    for door in sorted(FilePath(known_source.__file__).parent.glob("*.py"))
    if door.stem not in ("flag_sources", "macro_syntax")
]
BORROWED = sorted({name for door in DOORS for name in borrowed_names(door, "dbt", "dbt_common")})


@pytest.mark.parametrize("name", BORROWED)
def test_without_a_name_what_it_is_for_stays_as_it_is(name: tuple[str, str]) -> None:
    before = parts_of_dbt()
    with without(*name), lighter_dbt([], ()):
        inside = parts_of_dbt()
    same = [one is other for one, other in zip(before, inside, strict=True)]
    assert any(same)
    assert not all(same)
    assert parts_of_dbt() == before


# Relations


def adapter() -> DuckDBAdapter:
    """Return an adapter with nothing but a cache: no connection, no project."""
    made: DuckDBAdapter = object.__new__(DuckDBAdapter)
    made.cache = RelationsCache()
    quoting = {"database": True, "schema": True, "identifier": True}
    made.config = SimpleNamespace(quoting=quoting)  # type: ignore[assignment]
    return made


def relation(chance: random.Random) -> Any:
    """Return one of few relations, so that many differ in case or quotes alone."""
    names = ["orders", "Orders", '"orders"', "lines", "total", "TOTAL", "tot`al", "other", "more"]
    schema = chance.choice(["main", "main", "main", "MAIN", "raw"])
    made = DuckDBAdapter.Relation.create("shop", schema, chance.choice(names), type="table")
    return made.replace(dbt_created=chance.random() < 0.3)


def outcome(work: Callable[[], Any]) -> Any:
    """Return what this returns, or the error that it raises."""
    try:
        return work()
    except DbtBaseException as error:
        return type(error), str(error)


def change(cache: RelationsCache, action: int, one: Any, other: Any) -> Any:
    """Change a cache in one of the ways in which dbt does."""
    ways: list[Callable[[], Any]] = [
        *[lambda: cache.add(one)] * 8,
        *[lambda: cache.drop(one)] * 3,
        *[lambda: cache.rename(one, other)] * 4,
        lambda: cache.drop_schema("shop", one.schema),
        cache.clear,
    ]
    return outcome(ways[action % len(ways)])


def test_a_relation_is_found_as_dbt_finds_it() -> None:
    """Two adapters live through the same, one of them searches as dbt does."""
    whole_search = BaseAdapter.get_relation
    found: Counter[str] = Counter()
    with lighter_dbt([], ()):
        for seed in range(30):
            chance = random.Random(seed)
            ours, plain = adapter(), adapter()
            for _ in range(100):
                step = chance.randrange(1000), relation(chance), relation(chance)
                assert change(ours.cache, *step) == change(plain.cache, *step)
                of = relation(chance)
                wanted = of.database, of.schema, of.identifier
                if wanted[:2] in plain.cache:
                    told = outcome(partial(whole_search, plain, *wanted))
                    assert outcome(partial(ours.get_relation, *wanted)) == told
                    found[type(told).__name__] += 1
    # Found, not there, and refused as too much alike.
    assert min(found.values()) > 100
    assert len(found) == 3


def test_a_relation_is_compared_with_those_of_its_name_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = adapter()
    for number in range(200):
        one.cache.add(one.Relation.create("shop", "main", f"model_{number}"))
    compared: list[str] = []
    get_part = Path.get_part
    monkeypatch.setattr(
        Path, "get_part", lambda self, key: compared.append(self.identifier) or get_part(self, key)
    )
    one.get_relation("shop", "main", "model_7")
    assert len({*compared}) == 200
    compared.clear()
    with lighter_dbt([], ()):
        assert one.get_relation("shop", "main", "model_7").identifier == "model_7"
    assert {*compared} == {"model_7"}


def test_an_adapter_that_searches_in_its_own_way_goes_on_with_it() -> None:
    class Own(DuckDBAdapter):
        def list_relations(self, database: Any, schema: Any) -> Any:
            return [self.Relation.create(database, schema, "of_its_own")]

    one = adapter()
    one.__class__ = Own
    one.cache.add(one.Relation.create("shop", "main", "orders"))
    with lighter_dbt([], ()):
        assert one.get_relation("shop", "main", "orders") is None
        assert one.get_relation("shop", "main", "of_its_own") is not None


# Contexts


def macros_of(packages: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    return {
        package: {
            name: SimpleNamespace(
                name=name, package_name=package, unique_id=f"macro.{package}.{name}"
            )
            for name in names
        }
        for package, names in packages.items()
    }


def shape_of(names: Any, context: Any, node: Any, stack: Any) -> Any:
    """Return what a context holds, name by name, and whether each callable belongs to it."""
    if not isinstance(names, MacroGenerator):
        return {name: shape_of(names[name], context, node, stack) for name in names}
    own = names.context is context, names.node is node, names.stack is stack
    return type(names), names.macro.unique_id, vars(names).keys(), own


@pytest.mark.parametrize("search_package", ["shop", "utils", "dbt"])
def test_the_macros_of_a_context_are_those_that_dbt_puts_there(search_package: str) -> None:
    packages = {
        "shop": ["own", "shared", "dbt_over", "utils"],
        "utils": ["shared", "of_utils", "dbt_over"],
        "other": ["shared", "of_other"],
        "dbt": ["dbt_over", "create_table", "dropped"],
        "dbt_duckdb": ["create_table", "own"],
    }
    context, node, stack = {"a": 1}, object(), MacroStack()

    def namespace() -> Any:
        builder = MacroNamespaceBuilder("shop", search_package, stack, ["dbt_duckdb", "dbt"], node)
        return builder.build_namespace(macros_of(packages), context)

    plain = namespace()
    with lighter_dbt([], ()):
        ours = namespace()
    for part in ("global_namespace", "local_namespace", "packages", "global_project_namespace"):
        shapes = [shape_of(getattr(n, part), context, node, stack) for n in (plain, ours)]
        assert shapes[0] == shapes[1], part
    assert shape_of(plain, context, node, stack) == shape_of(ours, context, node, stack)


def test_each_context_has_modules_of_its_own() -> None:
    plain = contexts.get_context_modules()
    with lighter_dbt([], ()):
        one, other = contexts.get_context_modules(), contexts.get_context_modules()
    assert {name: [*members] for name, members in one.items()} == {
        name: [*members] for name, members in plain.items()
    }
    assert one["datetime"] == plain["datetime"]
    assert one is not other
    assert one["datetime"] is not other["datetime"]


# Tables


def test_the_empty_table_is_made_once_and_is_empty() -> None:
    plain = agate_helper.empty_table()
    with lighter_dbt([], ()):
        one, other = agate_helper.empty_table(), agate_helper.empty_table()
    assert one is other
    assert (one.column_names, len(one.rows)) == (plain.column_names, 0)


# Events


@pytest.fixture
def manager() -> Iterator[Any]:
    """Return dbt's event manager, with nobody who listens."""
    found = get_event_manager()
    before = [*found.loggers], [*found.callbacks]
    found.loggers.clear()
    found.callbacks.clear()
    yield found
    found.loggers[:], found.callbacks[:] = before


def fire_some(manager: Any) -> None:
    manager.fire_event(NewConnection(conn_type="duckdb", conn_name="one", node_info={}))
    manager.fire_event(ConnectionUsed(conn_type="duckdb", conn_name="two", node_info={}))
    manager.fire_event(NodeCompiling(node_info={}))
    manager.fire_event(NewConnection(conn_name="told", node_info={}), level=EventLevel.INFO)


def told(messages: list[Any]) -> list[tuple[str, str, str]]:
    return [(each.info.name, each.info.level, each.info.msg) for each in messages]


def test_debug_events_that_nobody_reads_are_not_even_made(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    parse = event_types.ParseDict
    monkeypatch.setattr(
        event_types, "ParseDict", lambda js, m: made.append(type(m).__name__) or parse(js, m)
    )
    heard: list[Any] = []
    manager.callbacks.append(heard.append)
    with lighter_dbt(manager.callbacks[:], {"NodeCompiling"}):
        fire_some(manager)
    assert made == ["NodeCompiling", "NodeCompilingMsg", "NewConnection", "NewConnectionMsg"]
    assert [name for name, _, _ in told(heard)] == ["NodeCompiling", "NewConnection"]


def test_somebody_elses_callback_hears_all_that_it_hears_without(manager: Any) -> None:
    plain: list[Any] = []
    ours: list[Any] = []
    manager.callbacks[:] = [plain.append]
    fire_some(manager)
    manager.callbacks[:] = [ours.append]
    with lighter_dbt([], ()):
        fire_some(manager)
    assert told(ours) == told(plain)
    assert len(ours) == 4
    assert [each.data for each in ours] == [each.data for each in plain]


def test_a_log_of_dbts_has_every_line_that_it_has_without(manager: Any) -> None:
    def logged() -> list[str]:
        stream = io.StringIO()
        manager.loggers.clear()
        manager.add_logger(LoggerConfig("test", output_stream=stream, level=EventLevel.DEBUG))
        fire_some(manager)
        manager.loggers.clear()
        return [line.partition("  ")[2] for line in stream.getvalue().splitlines()]

    plain = logged()
    with lighter_dbt([], ()):
        assert logged() == plain
    assert len(plain) == 4


def test_an_event_that_is_made_late_can_be_read_and_changed(manager: Any) -> None:
    plain = NewConnection(conn_type="duckdb", conn_name="one", node_info={})
    with lighter_dbt([], ()):
        late = NewConnection(conn_type="duckdb", conn_name="one", node_info={})
        assert late.conn_name == "one"
        late = NewConnection(conn_type="duckdb", conn_name="one", node_info={})
        late.conn_name = "two"
        assert (late.conn_type, late.conn_name) == ("duckdb", "two")
        again = NewConnection(conn_type="duckdb", conn_name="one", node_info={})
        assert again.to_dict() == plain.to_dict()
        with pytest.raises(AttributeError):
            again.of_no_event  # noqa: B018


# Graphs


def project_of(chance: random.Random) -> tuple[Linker, Any]:
    """Return the links of a random project, and what its manifest says of nodes and tests."""
    linker, nodes = Linker(), {}
    children: dict[str, list[str]] = {}
    names = [f"source.s{number}" for number in range(4)]
    for number in range(25):
        kind = "test" if chance.random() < 0.4 else "model"
        of_models = [name for name in names if not name.startswith("test.")]
        parents = chance.sample(of_models, chance.randint(0, min(3, len(of_models))))
        name = f"{kind}.n{number}"
        nodes[name] = SimpleNamespace(resource_type=kind, depends_on_nodes=parents)
        names.append(name)
        linker.add_node(name)
        for parent in parents:
            linker.dependency(name, parent)
            children.setdefault(parent, []).append(name)
    return linker, SimpleNamespace(nodes=nodes, child_map=children)


def below_each(linker: Linker) -> dict[str, set[str]]:
    """Return what waits for each node: dbt builds, and skips after a failure, by this alone."""
    return {node_id: nx.descendants(linker.graph, node_id) for node_id in linker.graph}


def are_redundant(linker: Linker) -> bool:
    """Return whether the graph has a link that says nothing new."""
    linked = {(one, other) for one, other, told in linker.graph.edges.data() if told}
    return not linked <= set(nx.transitive_reduction(linker.graph).edges)


@pytest.mark.long
def test_nodes_wait_for_the_tests_that_dbt_lets_them_wait_for() -> None:
    add = Linker.add_test_edges_1
    added = 0
    for seed in range(200):
        ours, plain = (project_of(random.Random(seed)) for _ in range(2))
        before = len(plain[0].graph.edges)
        add(*plain)
        with lighter_dbt([], ()):
            ours[0].add_test_edges_1(ours[1])
        assert below_each(ours[0]) == below_each(plain[0])
        assert not are_redundant(ours[0])
        added += len(plain[0].graph.edges) - before
    assert added > 500


def test_a_cycle_is_named_as_dbt_names_it() -> None:
    find = Linker.find_cycles
    for edges in ([("a", "b"), ("b", "c")], [("a", "b"), ("b", "c"), ("c", "a")], []):
        linker = Linker()
        for child, parent in edges:
            linker.dependency(child, parent)
        told = find(linker)
        with lighter_dbt([], ()):
            assert linker.find_cycles() == told


# Files


def test_artifacts_have_the_same_bytes(tmp_path: FilePath) -> None:
    data = {
        "text": 'a "quoted" \u00e4 \u2028 \ud83d\ude00 \n',
        "numbers": [1, -0.0, 1e300, float("inf"), Decimal("1.50"), True, None],
        "times": [datetime(2026, 11, 27, 3, 4, 5, 6), date(2026, 11, 27)],
        "kind": NodeType.Model,
        1: {2.5: {}, None: [], True: ()},
        NodeType.Test: {"nested": {"deep": [{"er": {}}]}},
    }
    system.write_json(str(tmp_path / "plain.json"), data)
    with lighter_dbt([], ()):
        system.write_json(str(tmp_path / "ours.json"), data)
        assert system.read_json(str(tmp_path / "ours.json"))["kind"] == "model"
    assert (tmp_path / "ours.json").read_bytes() == (tmp_path / "plain.json").read_bytes()
