"""Macros that dbt parses once are what dbt makes of them when it parses them again each time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dbt_common.tests
import pytest
from borrowed_names import borrowed_names, without
from dbt.cli.main import dbtRunner
from dbt_common.clients.jinja import MacroFuzzEnvironment, MacroFuzzParser
from jinja2 import TemplateSyntaxError

from floe_core.dbt.lighter_dbt import known_source, macro_syntax, remembered_syntax

PROFILE = "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n"
PROJECT = (
    "{name: shop, version: 1.0.0, profile: shop, macro-paths: [macros], test-paths: [tests]}\n"
)
MACROS = """\
{% macro cents(column, scale=2) %} round({{ column }} * 100, {{ scale }}) {% endmacro %}
{% macro total() %} {{ cents('amount') }} + {{ adapter.dispatch('extra', 'shop')() }} {% endmacro %}
{% macro default__extra() %} FIRST {% endmacro %}
{% materialization kept, default %} {{ return({'relations': []}) }} {% endmaterialization %}
{% test positive(model, column_name) %}
select * from {{ model }} where {{ column_name }} < 0
{% endtest %}
"""
MODEL = "select {{ total() }} as total, '{{ this }}' as own from (select 1 as amount)"


@pytest.fixture(autouse=True)
def _no_trees(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    assert "parse" not in vars(MacroFuzzEnvironment)
    monkeypatch.setattr(macro_syntax, "_trees", {})
    # conftest.py turns on a cache that dbt has for tests of its own.
    monkeypatch.setattr(dbt_common.tests, "_TEST_CACHING_ENABLED", False)
    yield
    assert "parse" not in vars(MacroFuzzEnvironment)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with macros of all kinds."""
    for name, text in {
        "dbt_project.yml": PROJECT,
        "profiles.yml": PROFILE,
        "macros/all.sql": MACROS,
        "models/orders.sql": MODEL,
        "models/all.yml": "models: [{name: orders, columns: [{name: total, tests: [positive]}]}]",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets each text that Jinja parses."""
    texts: list[str] = []
    parse = MacroFuzzParser.parse
    monkeypatch.setattr(
        MacroFuzzParser, "parse", lambda self: texts.append(self.stream.name or "") or parse(self)
    )
    return texts


def manifest(project: Path) -> dict[str, Any]:
    """Return what dbt finds in the project, without times."""
    place = ["--project-dir", str(project), "--profiles-dir", str(project)]
    quiet = ["--no-partial-parse", "--quiet", "--log-level-file", "none"]
    result = dbtRunner().invoke(["parse", *place, *quiet])
    assert result.success, result.exception
    found: dict[str, Any] = copy.deepcopy(result.result.to_dict())
    for kind in ("macros", "nodes"):
        for each in found[kind].values():
            del each["created_at"]
    return {kind: found[kind] for kind in ("macros", "nodes")}


@pytest.mark.long
def test_the_project_is_the_same_and_macros_are_parsed_once(
    project: Path, parsed: list[str]
) -> None:
    plain, of_plain = manifest(project), len(parsed)
    parsed.clear()
    with remembered_syntax():
        assert manifest(project) == plain
        of_ours = len(parsed)
        parsed.clear()
        assert manifest(project) == plain
    assert of_plain > 1.5 * of_ours
    assert of_ours > 100 * len(parsed)


def test_a_changed_macro_is_parsed_again(project: Path) -> None:
    with remembered_syntax():
        manifest(project)
        macros = project / "macros/all.sql"
        macros.write_text(MACROS.replace("cents('amount')", "kept_cents()"), encoding="utf-8")
        (project / "macros/more.sql").write_text("{% macro kept_cents() %} 1 {% endmacro %}")
        ours = manifest(project)
    assert ours == manifest(project)
    calls = ours["macros"]["macro.shop.total"]["depends_on"]["macros"]
    assert "macro.shop.kept_cents" in calls


def test_nothing_that_reads_a_tree_changes_it(project: Path) -> None:
    with remembered_syntax():
        manifest(project)
        trees = {key: repr(tree) for key, tree in macro_syntax._trees.items()}
        manifest(project)
    assert len(trees) > 500
    assert {key: repr(tree) for key, tree in macro_syntax._trees.items()} == trees
    for ((kind, extensions), source, name, filename), tree in trees.items():
        environment = kind(extensions=list(extensions))
        assert repr(environment.parse(source, name, filename)) == tree


def test_environments_of_other_kinds_have_trees_of_their_own() -> None:
    text = "{% do total() %}"
    with remembered_syntax():
        tree = MacroFuzzEnvironment(extensions=["jinja2.ext.do"]).parse(text)
        assert "ExprStmt" in repr(tree)
        with pytest.raises(TemplateSyntaxError):
            MacroFuzzEnvironment().parse(text)


def test_trees_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(macro_syntax, "_MOST_TREES", 3)
    with remembered_syntax():
        for number in range(10):
            tree = MacroFuzzEnvironment().parse(f"{{{{ m{number}() }}}}")
            assert repr(tree) == repr(MacroFuzzEnvironment().parse(f"{{{{ m{number}() }}}}"))
    assert len(macro_syntax._trees) <= 3


BORROWED = sorted(borrowed_names(Path(macro_syntax.__file__), "dbt", "dbt_common"))


@pytest.mark.parametrize("name", [*BORROWED, ("", "")])
def test_a_dbt_that_it_was_not_written_for_parses_as_ever(
    name: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not any(name):
        monkeypatch.setattr(known_source, "KNOWN", {})
        with remembered_syntax():
            assert "parse" not in vars(MacroFuzzEnvironment)
        return
    with without(*name), remembered_syntax():
        assert "parse" not in vars(MacroFuzzEnvironment)
