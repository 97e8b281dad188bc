"""Whether Dagster accepts a value as an owner or a tag of an asset, according to Dagster itself."""

from __future__ import annotations

from functools import lru_cache

from dagster import AssetSpec, DagsterInvalidDefinitionError

_ASSET = "asked"


@lru_cache(maxsize=4096)
def takes_owner(owner: str) -> bool:
    """Return whether an asset may have this owner.

    >>> takes_owner("data@example.com"), takes_owner("team:data"), takes_owner("data")
    (True, True, False)
    """
    try:
        AssetSpec(_ASSET, owners=[owner])
    except DagsterInvalidDefinitionError:
        return False
    return True


@lru_cache(maxsize=4096)
def takes_tag(key: str, value: str = "") -> bool:
    """Return whether an asset may have this tag.

    >>> takes_tag("floe/tier", "gold"), takes_tag("a b"), takes_tag("tier", "a b")
    (True, False, False)
    """
    try:
        AssetSpec(_ASSET, tags={key: value})
    except DagsterInvalidDefinitionError:
        return False
    return True
