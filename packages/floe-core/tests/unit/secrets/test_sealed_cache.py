"""dbt's cache on disk holds no secret, and what is loaded from it holds today's."""

from __future__ import annotations

import msgpack
import pytest

from floe_core.secrets.sealed_cache import seal_cache, unseal_cache

TREE = {
    "env_vars": {"DB_PASSWORD": "s3cret-one", "DB_PIN": "12", "DB_HOST": "db"},
    "nodes": {"model.a": {"raw_code": "select '{{ env_var(\"X\") }}'", "meta": ["x s3cret-one y"]}},
    "other": {"n": 12, "none": None, "bytes": b"12", "code": "12"},
}
SECRETS = {"DB_PASSWORD": "s3cret-one", "DB_PIN": "12"}


def test_no_secret_is_in_a_sealed_cache() -> None:
    cache = seal_cache(msgpack.packb(TREE), SECRETS)
    assert b"s3cret-one" not in cache
    assert msgpack.unpackb(cache)["env_vars"]["DB_PIN"] != "12"
    # Too short to be known by its text.
    assert msgpack.unpackb(cache)["other"]["code"] == "12"


def test_what_is_loaded_has_the_values_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = seal_cache(msgpack.packb(TREE), SECRETS)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert msgpack.unpackb(unseal_cache(cache)) == TREE
    monkeypatch.setenv("DB_PASSWORD", "rotated")
    assert msgpack.unpackb(unseal_cache(cache))["nodes"]["model.a"]["meta"] == ["x rotated y"]


def test_a_cache_without_secrets_stays_as_it_is() -> None:
    cache = msgpack.packb({"a": "b"})
    assert seal_cache(cache, SECRETS) is cache
    assert unseal_cache(cache) is cache
