"""The nodes that a selection names, beside dbt's own search."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from dbt.graph.selector_methods import QualifiedNameSelectorMethod

from floe_core.dbt.lighter_dbt import known_source
from floe_core.dbt.lighter_dbt.graphs import indexed_names

SECTIONS = ("exposures", "metrics", "unit_tests", "semantic_models", "saved_queries", "functions")
SEGMENTS = ("shop", "a", "b", "a.b", "a_b", "v1", "1", "")


def random_manifest(chance: random.Random) -> SimpleNamespace:
    """Return a manifest of models and exposures whose names are alike."""
    nodes = {}
    for number in range(30):
        fqn = [chance.choice(SEGMENTS) for _ in range(chance.randint(2, 5))]
        is_versioned = len(fqn) > 2 and chance.random() < 0.2
        nodes[f"model.{number}"] = SimpleNamespace(fqn=fqn, is_versioned=is_versioned)
    others = {name: {} for name in SECTIONS}
    others["exposures"] = {
        "exposure.shop.a": SimpleNamespace(fqn=["shop", "a"], is_versioned=False)
    }
    return SimpleNamespace(nodes=nodes, sources={}, **others)


def selectors_of(manifest: SimpleNamespace, chance: random.Random) -> list[str]:
    whole = [".".join(node.fqn) for node in manifest.nodes.values()]
    parts = [".".join(name.split(".")[: chance.randint(1, 4)]) for name in whole]
    names = [node.fqn[-1] for node in manifest.nodes.values()]
    versions = ["_".join(node.fqn[-2:]) for node in manifest.nodes.values()]
    given = [*whole, *parts, *names, *versions, *(name.partition(".")[2] for name in whole)]
    return [*given, "a*", "*.b", "shop.?", "[ab]", "none.of.them", "", "."]


@pytest.mark.parametrize("seed", range(40))
def test_a_name_selects_what_it_selects_in_dbt(seed: int) -> None:
    chance = random.Random(seed)
    manifest = random_manifest(chance)
    included = {i for i in (*manifest.nodes, *manifest.exposures) if chance.random() < 0.8}

    def selected(selector: str) -> set[str] | str:
        # Each criterion has a method of its own.
        method = QualifiedNameSelectorMethod(manifest, None, [])
        try:
            return set(method.search(included, selector))
        except IndexError as error:
            return str(error)

    selectors = selectors_of(manifest, chance)
    plain = [selected(each) for each in selectors]
    assert any(found for found in plain)
    with indexed_names():
        assert QualifiedNameSelectorMethod.search.__module__ != "dbt.graph.selector_methods"
        assert [selected(each) for each in selectors] == plain
        # A node that comes later is found as well.
        manifest.nodes["model.new"] = SimpleNamespace(fqn=["shop", "new"], is_versioned=False)
        included.add("model.new")
        assert selected("new") == {"model.new"}


def test_code_that_is_not_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_source, "KNOWN", {})
    search = QualifiedNameSelectorMethod.search
    with indexed_names():
        assert QualifiedNameSelectorMethod.search is search
