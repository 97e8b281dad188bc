"""Let dbt parse only what has changed since an earlier parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from floe_core.dbt.internals import Manifest


class EarlierParses(Protocol):
    """The latest good parses of one product, each with a name."""

    def lay_out(self, name: str, target: Path) -> bool:
        """Put dbt's cache of a parse where dbt reads it; return whether there is one."""

    def is_exact(self, name: str, manifest: Manifest | None) -> bool:
        """Return whether a parse that began with that cache came to what a whole one would."""

    def keep(
        self, name: str, target: Path, manifest: Manifest | None, secrets: Mapping[str, str]
    ) -> None:
        """Keep a good parse. `secrets` is variable or file -> value, for those it may hold."""


_current: ContextVar[EarlierParses | None] = ContextVar("earlier_parses", default=None)


@contextmanager
def using(parses: EarlierParses | None) -> Iterator[None]:
    """Let compiles inside the block build on earlier parses; without, dbt parses everything."""
    token = _current.set(parses)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> EarlierParses | None:
    """Return the parses that a compile may build on."""
    return _current.get()
