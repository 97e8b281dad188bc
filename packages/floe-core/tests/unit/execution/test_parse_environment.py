"""Whether a kept parse still holds is told from its first bytes."""

from __future__ import annotations

from pathlib import Path

import msgpack
import pytest

from floe_core.dbt.preloaded_manifest import find_changes_in_file, seal_environment

CACHE = {"nodes": {"a": [1] * 100_000}, "env_vars": {"REGION": "eu"}, "macros": {"b": 2}}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_variable_with_another_value_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    monkeypatch.setenv("REGION", "eu")
    monkeypatch.setenv("API_TOKEN", "secret-value")
    sealed = msgpack.unpackb(seal_environment(msgpack.packb(CACHE), ["API_TOKEN", "ZONE"], ()))
    assert {*sealed["env_vars"]} == {"REGION", "ZONE"}
    assert {k: v for k, v in sealed.items() if k != "env_vars"} == {
        "nodes": CACHE["nodes"],
        "macros": CACHE["macros"],
    }
    order = sealed if is_first else dict(reversed(sealed.items()))
    file = tmp_path / "parse.msgpack"
    file.write_bytes(msgpack.packb(order))
    assert find_changes_in_file(file) == []
    monkeypatch.setenv("REGION", "us")
    monkeypatch.setenv("ZONE", "")
    assert find_changes_in_file(file) == ["REGION", "ZONE"]


def test_a_parse_without_variables_holds(tmp_path: Path) -> None:
    file = tmp_path / "parse.msgpack"
    file.write_bytes(msgpack.packb({"nodes": {}}))
    assert find_changes_in_file(file) == []
