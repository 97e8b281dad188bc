"""Let dbt parse only what has changed since an earlier parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

# What dbt reads, and writes, in its target folder.
CACHE = "partial_parse.msgpack"


class EarlierParses:
    """dbt's own caches of the latest good parses of one product, in memory: they hold secrets.

    `secrets` is variable or file -> value, for those that they may hold.
    """

    def __init__(self, caches: Mapping[str, bytes] | None = None) -> None:
        self.caches = dict(caches or {})
        self.secrets: dict[str, str] = {}

    def lay_out(self, name: str, target: Path) -> bool:
        """Put the cache of a parse of this name where dbt reads it; return whether there is one.

        It is forgotten until `keep`.
        """
        cache = self.caches.pop(name, None)
        if cache is None:
            return False
        target.mkdir(parents=True, exist_ok=True)
        (target / CACHE).write_bytes(cache)
        return True

    def keep(self, name: str, target: Path) -> None:
        """Keep the cache of a good parse."""
        self.caches[name] = (target / CACHE).read_bytes()


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
