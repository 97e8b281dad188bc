"""Keep dbt's cache of a parsed project without the secrets that were read into it.

dbt keeps the values of `env_var()` from parsing. On disk, each secret value is replaced by the name
of its variable; a process that loads the cache fills in the values of its own environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from floe_core.secrets.redactor import SHORTEST_SECRET

_MARK = b"floe-env:"
_PLACEHOLDER = re.compile(r"\u27e6floe-env:(\w+)\u27e7")


def seal_cache(cache: bytes, secrets: Mapping[str, str]) -> bytes:
    """Return the cache with the values of secrets (variable -> value) replaced by references."""
    if not any(value.encode() in cache for value in secrets.values()):
        return cache
    longest_first = sorted(secrets.items(), key=lambda item: -len(item[1]))
    long = [(name, value) for name, value in longest_first if len(value) >= SHORTEST_SECRET]

    def seal(text: str) -> str:
        for name, value in long:
            text = text.replace(value, _reference(name))
        return text

    return _rewrite(cache, seal, secrets)


def unseal_cache(cache: bytes) -> bytes:
    """Return the cache with the references replaced from the environment, "" if not set."""
    if _MARK not in cache:
        return cache
    return _rewrite(
        cache, lambda text: _PLACEHOLDER.sub(lambda m: os.environ.get(m[1], ""), text), {}
    )


def _rewrite(cache: bytes, change: Callable[[str], str], secrets: Mapping[str, str]) -> bytes:
    import msgpack

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        if isinstance(value, dict):
            return {walk(key): member(key, each) for key, each in value.items()}
        if isinstance(value, list):
            return [walk(each) for each in value]
        return value

    def member(key: Any, value: Any) -> Any:
        # `env_vars` has variable -> value: there a short value is known for sure.
        return _reference(key) if value and secrets.get(key) == value else walk(value)

    tree = msgpack.unpackb(cache, raw=False, strict_map_key=False)
    packed: bytes = msgpack.packb(walk(tree), use_bin_type=True)
    return packed


def _reference(name: str) -> str:
    return f"\u27e6floe-env:{name}\u27e7"
