"""The schemas that dbt checks a project's files against are the same, and made with less work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from dbt.artifacts.resources import SourceConfig
from dbt.contracts.graph.unparsed import (
    UnparsedModelUpdate,
    UnparsedSourceDefinition,
    UnparsedUnitTest,
)
from dbt.contracts.project import Project
from dbt_common.dataclass_schema import dbtClassMixin
from mashumaro.core.meta.code.builder import CodeBuilder
from mashumaro.jsonschema import build_json_schema
from mashumaro.jsonschema import schema as mashumaro_schemas

from floe_core.dbt.lighter_dbt import known_source, remembered_defaults


def schemas() -> dict[str, Any]:
    """Return JSON schemas that dbt checks the files of a project against, made anew."""
    checked = [
        Project,
        UnparsedModelUpdate,
        UnparsedSourceDefinition,
        UnparsedUnitTest,
        SourceConfig,
    ]
    return {each.__name__: build_json_schema(each).to_dict() for each in checked}


def made_classes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the name of each class which mashumaro compiles."""
    made: list[str] = []
    compile_class = CodeBuilder.add_unpack_method
    monkeypatch.setattr(
        CodeBuilder,
        "add_unpack_method",
        lambda self, *rest: made.append(self.cls.__name__) or compile_class(self, *rest),
    )
    return made


def test_files_are_checked_against_the_same_schemas_which_cost_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = made_classes(monkeypatch)
    plain, of_plain = schemas(), len(made)
    made.clear()
    with remembered_defaults():
        ours = schemas()
    assert ours == plain
    assert repr(ours) == repr(plain)
    assert of_plain > 4 * len(made) > 0


def test_defaults_that_are_equal_but_not_the_same_stay_apart() -> None:
    @dataclass
    class Fields(dbtClassMixin):
        one: Any = 1
        yes: Any = True
        half: Any = 1.0
        none: str | None = None
        parts: tuple[int, ...] = (1, 2)
        more: tuple[int, ...] = (1, 2)

    plain = build_json_schema(Fields).to_dict()
    with remembered_defaults():
        ours = build_json_schema(Fields)
    assert repr(ours.to_dict()) == repr(plain)
    assert ours.properties is not None
    assert ours.properties["parts"].default is not ours.properties["more"].default


@pytest.mark.parametrize("missing", ["the name", "the source"])
def test_schemas_that_it_was_not_written_for_are_made_as_ever(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "the name":
        monkeypatch.delattr(mashumaro_schemas, "_default")
    else:
        monkeypatch.setattr(known_source, "KNOWN", {})
    before = {**vars(mashumaro_schemas)}
    with remembered_defaults():
        assert vars(mashumaro_schemas) == before
