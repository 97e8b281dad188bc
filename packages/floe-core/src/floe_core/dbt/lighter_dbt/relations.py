"""Find a relation by its name, instead of comparing it with every other one of its schema.

dbt looks up three relations per model, and each time lists the known relations of the schema and
compares all three parts of their names: with 1,000 models, a sixth of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any

from floe_core.dbt.lighter_dbt.known_source import are_known, replaced


@contextmanager
def one_empty_table() -> Iterator[None]:
    """Make dbt create its empty table only once, inside the block.

    agate's tables are immutable. To create one, agate compiles the regular expressions of all date
    formats that it could hold: with ten statements per model, a twentieth of the run.
    """
    try:
        from dbt_common.clients import agate_helper
        from dbt_common.clients.agate_helper import empty_table
    except ImportError:
        yield
        return
    if not are_known(empty_table):
        yield
        return
    make: Callable[[], Any] = empty_table
    table = make()
    with replaced(agate_helper, "empty_table", lambda: table):
        yield


# Quotes that adapters put around names. dbt ignores them when it looks for names that are almost
# the same, of which it warns.
_QUOTES = "\"'`[]"


@contextmanager
def indexed_relations() -> Iterator[None]:
    """Make dbt compare only relations of the same name, inside the block."""
    try:
        from dbt.adapters.base.impl import BaseAdapter
        from dbt.adapters.base.relation import BaseRelation
        from dbt.adapters.cache import RelationsCache
    except ImportError:
        yield
        return
    of_adapter = ("get_relation", "list_relations", "_make_match")
    of_relation = ("matches", "_is_exactish_match")
    parts: list[Any] = [RelationsCache]
    parts += [getattr(BaseAdapter, name, None) for name in of_adapter]
    parts += [getattr(BaseRelation, name, None) for name in of_relation]
    if not are_known(*parts):
        yield
        return

    @cache
    def is_plain(kinds: tuple[Any, Any, Any]) -> bool:
        """Return whether an adapter looks up relations as dbt's own adapters do."""
        adapter, relation, relations = kinds
        own = ("list_relations", "_make_match")
        return (
            all(getattr(adapter, name) is getattr(BaseAdapter, name) for name in own)
            and all(getattr(relation, n) is getattr(BaseRelation, n) for n in of_relation)
            and {*relation.quote_character} <= {*_QUOTES}
            and relations is RelationsCache
        )

    whole_search = BaseAdapter.get_relation

    @wraps(whole_search)
    def get_relation(self: Any, database: Any, schema: Any, identifier: Any) -> Any:
        if (
            isinstance(identifier, str)
            and is_plain((type(self), self.Relation, type(self.cache)))
            and (database, schema) in self.cache
        ):
            alike = _of_same_name(self, database, schema, identifier)
            matches = self._make_match(alike, database, schema, identifier)
            if len(matches) < 2:
                return matches[0] if matches else None
        return whole_search(self, database, schema, identifier)

    with replaced(BaseAdapter, "get_relation", get_relation):
        yield


def _of_same_name(adapter: Any, database: Any, schema: Any, identifier: str) -> list[Any]:
    """Return what `RelationsCache.get_relations` would, limited to names that may match."""
    known, place = adapter.cache, (_lower(database), _lower(schema))
    with known.lock:
        if not isinstance(known.relations, RelationsByName):
            known.relations = RelationsByName(known.relations)
        alike = known.relations.of_name(identifier)
        return [
            each.inner for each in alike if (_lower(each.database), _lower(each.schema)) == place
        ]


def _lower(name: str | None) -> str | None:
    return None if name is None else name.lower()


class RelationsByName(dict[Any, Any]):
    """dbt's relations by key, as `RelationsCache` keeps them, and also by name.

    The overridden methods are all those by which `RelationsCache` changes them.
    """

    def __init__(self, relations: dict[Any, Any]) -> None:
        super().__init__(relations)
        self._keys: dict[str, dict[Any, None]] = {}
        for key in self:
            self._note(key)

    def of_name(self, identifier: str) -> list[Any]:
        """Return the relations whose names differ from this at most in case and quotes."""
        return [self[key] for key in self._keys.get(_bare(identifier), ())]

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """As a dict does."""
        if key not in self:
            self[key] = default
        return self[key]

    def __setitem__(self, key: Any, relation: Any) -> None:
        super().__setitem__(key, relation)
        self._note(key)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._forget(key)

    def pop(self, key: Any, *default: Any) -> Any:
        """As a dict does."""
        relation = super().pop(key, *default)
        self._forget(key)
        return relation

    def clear(self) -> None:
        """As a dict does."""
        super().clear()
        self._keys.clear()

    def _note(self, key: Any) -> None:
        self._keys.setdefault(_bare(key.identifier), {})[key] = None

    def _forget(self, key: Any) -> None:
        self._keys.get(_bare(key.identifier), {}).pop(key, None)


def _bare(identifier: str | None) -> str:
    return str(identifier).lower().strip(_QUOTES)
