"""Where a running `floe dev` of a product says how to reach it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from floe_core.dbt.call import VARIABLES_OF_EACH_CALL
from floe_core.foundation.errors import EnvironmentProblemError
from floe_core.storage.files import read_regular
from floe_core.storage.state_folder import state_folder, state_place

FILE, LOCK = "dev.json", "dev.lock"
# The product's state folder itself does not choose what a run does.
_OWN_PREFIXES = ("DBT_", "FLOE_")
# Of the command that asks, not of what runs; and those that dbt gets from floe in any case.
_WITHOUT_EFFECT = frozenset({"FLOE_LOG_FORMAT", *VARIABLES_OF_EACH_CALL})


@dataclass(frozen=True, slots=True)
class DevPlace:
    """A running `floe dev`: its process, its orchestrator and the pages, and how to ask it.

    `port` is on this machine, `key` what a caller has to prove that it knows. `environment` is a
    hash of the variables that choose how a product is compiled and run. `settings` and `variables`
    are as in `floe_core.cli.running_dev`. While it is starting, `port` is 0.
    """

    pid: int
    orchestrator: str
    pages: str
    port: int
    key: str
    environment: str
    settings: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def new_key() -> str:
    """Return a key that nobody can guess."""
    return secrets.token_urlsafe(32)


def hash_of_environment(environment: Mapping[str, str]) -> str:
    """Return a hash of the variables that choose how floe and dbt compile and run.

    >>> hash_of_environment({"DBT_TARGET": "a"}) == hash_of_environment({"DBT_TARGET": "b"})
    False
    >>> hash_of_environment({"FLOE_LOG_FORMAT": "json"}) == hash_of_environment({})
    True
    >>> hash_of_environment({"DBT_USE_COLORS": "1"}) == hash_of_environment({})
    True
    >>> hash_of_environment({"HOME": "a"}) == hash_of_environment({"HOME": "b"})
    True
    """
    chosen = {
        name: text
        for name, text in environment.items()
        if name.startswith(_OWN_PREFIXES) and name not in _WITHOUT_EFFECT
    }
    return hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest()


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Be the only `floe dev` of a product during the block; nothing is left of its place after it.

    Raises:
        EnvironmentProblemError: Another one is up, or the folder can't be written.
    """
    state = state_folder(folder)
    lock = FileLock(state / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        found = read_place(folder)
        where = f" at {found.pages}, process {found.pid}" if found and found.pages else ""
        raise EnvironmentProblemError(
            f"`floe dev` of {folder} is up already{where}; use that one, or end it with ^C"
        ) from None
    try:
        yield
    finally:
        (state / FILE).unlink(missing_ok=True)
        lock.release()


def write_place(folder: Path, place: DevPlace) -> None:
    """Write the place of a claimed product, readable for this user alone."""
    path = state_folder(folder) / FILE
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(place), file)
    new.replace(path)


def write_start(folder: Path, orchestrator: str) -> None:
    """Write that this process is starting an orchestrator for a claimed product."""
    write_place(folder, DevPlace(os.getpid(), orchestrator, "", 0, "", ""))


def read_place(folder: Path) -> DevPlace | None:
    """Return the place of the product's `floe dev`, which may have ended; None without one."""
    try:
        return DevPlace(**json.loads(read_regular(state_place(folder) / FILE)))
    except (OSError, EnvironmentProblemError, ValueError, TypeError):
        return None
