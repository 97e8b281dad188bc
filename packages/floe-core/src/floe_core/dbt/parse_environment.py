"""Check whether a kept parse is still valid in this environment.

dbt records in its parse cache which environment variables shaped the graph, with their values, and
parses again the files that a changed one affects. floe keeps hashes instead of the values, so that
no value is written to disk, and lets dbt parse if one has changed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import msgpack

from floe_core.secrets.recognition import is_secret_variable

ENV_VARS = "env_vars"
UNSET = ""
# Enough digits to distinguish two values, too few to guess a value from.
_DIGITS = 8


def seal_environment(cache: bytes, names: Iterable[str], secrets: Container[str]) -> bytes:
    """Return dbt's parse cache with hashes in place of the values of environment variables.

    `names` are further variables that shape the graph, such as those of the profile. Variables
    whose names mark them as secret, and those named in `secrets`, are left out: they shape no
    graph.
    """
    content = msgpack.unpackb(cache, raw=False, strict_map_key=False)
    noted = {*(content.get(ENV_VARS) or {}), *names}
    kept = {name for name in noted if not (is_secret_variable(name) or name in secrets)}
    content.pop(ENV_VARS, None)
    # Written first, so that `find_changes_in_file` need not read further.
    variables = {ENV_VARS: digests_of(kept)}
    packed: bytes = msgpack.packb({**variables, **content}, use_bin_type=True)
    return packed


def digests_of(names: Iterable[str]) -> dict[str, str]:
    """Return variable -> a hash of its value in this environment, sorted by name."""
    return {name: _digest(name) for name in sorted(names)}


def changed_variables(sealed: Mapping[str, str]) -> list[str]:
    """Return the names of the variables whose values have changed since dbt parsed."""
    return sorted(name for name, digest in sealed.items() if _digest(name) != digest)


def find_changes_in_file(path: Path) -> list[str]:
    """Return the names of the variables whose values differ from a sealed cache on disk."""
    with path.open("rb") as file:
        unpacker = msgpack.Unpacker(file, raw=False, strict_map_key=False)
        for _ in range(unpacker.read_map_header()):
            if unpacker.unpack() == ENV_VARS:
                return changed_variables(unpacker.unpack() or {})
            unpacker.skip()
    return []


def _digest(name: str) -> str:
    value = os.environ.get(name)
    return UNSET if value is None else hashlib.sha256(value.encode()).hexdigest()[:_DIGITS]
