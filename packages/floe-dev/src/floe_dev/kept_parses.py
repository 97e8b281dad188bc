"""Keep dbt's parses of a product for the next command, which then parses only what has changed.

No value of an environment variable is written: a reference takes its place, and the parses count
only while these variables have the same values.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgpack

from floe_core.compiler.dbt.parse import using
from floe_core.dbt.preloaded_manifest import ENV_VARS, changed_variables, digests_of
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.secrets.sealed_cache import seal_cache, unseal_cache
from floe_core.storage.files import open_regular, write_together
from floe_core.storage.state_folder import state_folder, state_place
from floe_dev.dev_place import hash_of_environment
from floe_dev.earlier_parses import ParsesInMemory
from floe_dev.product_files import ProductFiles, changes, paths_outside, read_dbt_project

_SUFFIXES = (".sql", ".yml", ".yaml")

FILE = "parses.msgpack"
# Of a file that is read in each command: no model or description is larger, but data may be.
_MOST_BYTES = 1_000_000
# Distributions whose versions change what a parse is.
_PARSERS = ("dbt*.dist-info", "floe*.dist-info")


@dataclass(frozen=True, slots=True)
class KeptParses:
    """The parses of one compile, and what they were made of.

    `surroundings` stands for the folder, and the versions and variables that choose how dbt parses.
    `variables` are hashes of those that the project reads. `files` is name -> hash of the content,
    `caches` the name of a parse -> dbt's own cache of it, without the values of variables, and
    `shapes` -> the shape of it.
    """

    surroundings: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    caches: Mapping[str, bytes] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)

    def usable(
        self, folder: Path, surroundings: str, files: Mapping[str, bytes]
    ) -> dict[str, bytes]:
        """Return the caches that an exact parse of these files can begin with; {} for none."""
        if self.surroundings != surroundings or changed_variables(self.variables):
            return {}
        if not is_partly_parsed(self.files, files, model_paths(folder)):
            return {}
        return {name: unseal_cache(cache) for name, cache in self.caches.items()}


@contextmanager
def using_kept_parses(folder: Path) -> Iterator[None]:
    """Let the compile in the block build on the parses of the last one, and keep its own.

    A compile that fails keeps nothing, and leaves what was kept.
    """
    sources = ProductFiles(folder, most=_MOST_BYTES)
    sources.outside = paths_outside(folder)
    files, surroundings = sources.snapshot(), _surroundings(folder)
    kept = _read(folder)
    parses = ParsesInMemory(kept.usable(folder, surroundings, files), kept.shapes)
    with using(parses):
        yield
    new = _kept(parses, surroundings, files)
    # Without them, the next compile parses everything.
    with suppress(OSError, EnvironmentProblemError):
        _write(folder, new)


def _kept(
    parses: ParsesInMemory, surroundings: str, files: Mapping[str, bytes]
) -> KeptParses | None:
    """Return the parses of a good compile; None if there are none that can be written.

    A value that is in no variable of this process has nothing that could refer to it.
    """
    variables, caches = set[str](), dict[str, bytes]()
    for name, cache in parses.caches.items():
        content = _unpacked(cache)
        read = content.get(ENV_VARS) or {}
        hidden = {each for each, value in parses.secrets.items() if value.encode() in cache}
        values = {each: os.environ.get(each, "") for each in {*read, *hidden}}
        sealed = seal_cache(cache, {each: value for each, value in values.items() if value})
        if any(values[each] != parses.secrets[each] for each in hidden):
            return None
        restored = unseal_cache(sealed)
        if restored != cache and _unpacked(restored) != content:
            return None
        variables |= values.keys()
        caches[name] = sealed
    digests = digests_of(variables)
    return KeptParses(surroundings, digests, files, caches, parses.shapes) if caches else None


def _unpacked(cache: bytes) -> dict[str, Any]:
    content: dict[str, Any] = msgpack.unpackb(cache, raw=False, strict_map_key=False)
    return content


def _read(folder: Path) -> KeptParses:
    try:
        with open_regular(state_place(folder) / FILE, "rb") as file:
            return KeptParses(**msgpack.unpackb(file.read(), raw=False))
    except (OSError, EnvironmentProblemError, ValueError, TypeError, msgpack.UnpackException):
        return KeptParses()


def _write(folder: Path, kept: KeptParses | None) -> None:
    if kept is not None:
        write_together(state_folder(folder), {FILE: msgpack.packb(asdict(kept))})
    else:
        (state_place(folder) / FILE).unlink(missing_ok=True)


def _surroundings(folder: Path) -> str:
    versions = sorted(
        each.name for place in sys.path for name in _PARSERS for each in Path(place).glob(name)
    )
    words = [str(folder.resolve()), sys.version, *versions, hash_of_environment(os.environ)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()


def is_partly_parsed(
    before: Mapping[str, bytes], after: Mapping[str, bytes], model_paths: Sequence[str]
) -> bool:
    """Return whether dbt may parse only the files that differ, of name -> hash of the content.

    dbt's partial parse comes close to a whole one after a change of models and what describes them:
    `shape_of` tells whether it is one. After a change of a macro it keeps, for some nodes, the
    macros that they depended on before, and a file that was added, removed or renamed changes much
    else.

    >>> models = {"models/a.sql": b"1", "models/marts/marts.yml": b"1"}
    >>> is_partly_parsed(models, {**models, "models/a.sql": b"2"}, ["models"])
    True
    >>> is_partly_parsed(models, {"models/a.sql": b"1"}, ["models"])
    False
    >>> is_partly_parsed({"macros/m.sql": b"1"}, {"macros/m.sql": b"2"}, ["models"])
    False
    """
    folders = [Path(each) for each in model_paths]
    return all(
        name in before
        and name in after
        and name.endswith(_SUFFIXES)
        and any(Path(name).is_relative_to(each) for each in folders)
        for name in changes(before, after)
    )


def model_paths(folder: Path) -> Sequence[str]:
    """Return the folders of models in dbt_project.yml, as given.

    None if it can't be read, or if macros or tests, which are generic ones too, are among models.
    """
    project = read_dbt_project(folder)
    if project is None:
        return ()
    models, *others = (_paths(project, kind) for kind in ("model", "macro", "test"))
    return () if _are_mixed(models, [path for paths in others for path in paths]) else models


def _paths(project: Mapping[str, Any], kind: str) -> list[str]:
    given = project.get(f"{kind}-paths", [f"{kind}s"])
    return [str(each) for each in given] if isinstance(given, list) else []


def _are_mixed(models: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether one of the folders is in one of the others, or the other way around.

    >>> _are_mixed(["models"], ["models/macros"]), _are_mixed(["."], ["macros"])
    (True, True)
    >>> _are_mixed(["models"], ["macros", "tests"])
    False
    """
    pairs = [(Path(one), Path(other)) for one in models for other in others]
    return any(a.is_relative_to(b) or b.is_relative_to(a) for a, b in pairs)
