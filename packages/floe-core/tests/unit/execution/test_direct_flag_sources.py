"""The module of a behavior flag is the one that dbt finds, read off the frames alone."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

import pytest
from borrowed_names import fresh_module, without
from dbt_common.behavior_flags import BehaviorFlagRendered

from floe_core.dbt.lighter_dbt import direct_flag_sources, known_source

# conftest.py has it found directly in all tests.
DEFAULT_SOURCE = fresh_module("dbt_common.behavior_flags").BehaviorFlagRendered._default_source


@pytest.fixture(autouse=True)
def _flags_are_of_dbts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BehaviorFlagRendered, "_default_source", staticmethod(DEFAULT_SOURCE))


def source_of_a_flag(flag: type[Any] = BehaviorFlagRendered) -> str:
    """Return the module that dbt names as the source of a flag which this function declares."""
    made = flag({"name": "f", "default": False, "docs_url": "https://example.com"}, {})
    return str(made._behavior_change_event.flag_source)


def module_with_a_flag(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return an imported module that declares a flag, as that of an adapter does."""
    module = ModuleType(name)
    module.__file__ = f"/{name}.py"
    source = "\n" * 40 + inspect.getsource(source_of_a_flag)
    names = {"Any": Any, "BehaviorFlagRendered": BehaviorFlagRendered}
    vars(module).update(names)
    exec(compile(source, module.__file__, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, name, module)
    return module


def test_a_flag_is_of_the_module_that_dbt_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = module_with_a_flag("impl_of_an_adapter", monkeypatch)
    plain = source_of_a_flag(), adapter.source_of_a_flag()
    assert plain == (__name__, "impl_of_an_adapter")
    with direct_flag_sources():
        assert BehaviorFlagRendered._default_source is not DEFAULT_SOURCE
        assert (source_of_a_flag(), adapter.source_of_a_flag()) == plain
    assert BehaviorFlagRendered._default_source is DEFAULT_SOURCE


def test_no_stack_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(inspect, "stack")
    with direct_flag_sources():
        assert source_of_a_flag() == __name__


@pytest.mark.parametrize("missing", ["the name", "the method", "the source"])
def test_flags_that_it_was_not_written_for_stay_as_they_are(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing == "the name":
        with without("dbt_common.behavior_flags", "BehaviorFlagRendered"), direct_flag_sources():
            assert BehaviorFlagRendered._default_source is DEFAULT_SOURCE
    elif missing == "the method":
        monkeypatch.delattr(BehaviorFlagRendered, "_default_source")
        with direct_flag_sources():
            assert not hasattr(BehaviorFlagRendered, "_default_source")
    else:
        monkeypatch.setattr(known_source, "KNOWN", {})
        with direct_flag_sources():
            assert BehaviorFlagRendered._default_source is DEFAULT_SOURCE
