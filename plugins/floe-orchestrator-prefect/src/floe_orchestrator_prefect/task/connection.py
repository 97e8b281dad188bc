"""Read a Prefect block as the fields of a dbt profile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

import httpx
from prefect.blocks.core import Block, UnknownBlockType
from prefect.exceptions import PrefectException
from pydantic import SecretBytes, SecretStr
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

_OF_PREFECT_DBT = "dbt-cli-"


def read_connection(name: str, adapter: str) -> Mapping[str, Any]:
    """Return dbt's field -> value of a block, which `name` names as TYPE/NAME.

    Raises:
        LookupError: There is no such block, its type is not installed, or Prefect's server does not
            answer.
    """
    if "/" not in name:
        raise LookupError("a block is named as TYPE/NAME, such as secret/warehouse")
    if name.startswith(_OF_PREFECT_DBT):
        # prefect-dbt registers these types only when this module is imported.
        with suppress(ImportError):
            import_module("prefect_dbt.cli")
    try:
        block: Any = Block.load(name)
    except ValueError:
        raise LookupError("Prefect has no block of this name, or none of this type") from None
    except UnknownBlockType:
        what = "this type of block is not installed here; install the package that has it"
        raise LookupError(what) from None
    except (RuntimeError, PrefectException, httpx.HTTPError) as error:
        raise LookupError(f"Prefect can't read it: {error or type(error).__name__}") from error
    return fields_of(block)


def fields_of(block: Any) -> Mapping[str, Any]:
    """Return dbt's field -> value of a block.

    Target configs of prefect-dbt, alone or in a profile, say themselves what they give to dbt; of
    any other block, the fields have the names that the block gives them. A `Secret` holds an object
    with the fields, or a URL.
    """
    configs = getattr(block, "target_configs", block)
    if callable(configs := getattr(configs, "get_configs", None)):
        return dict(_plain(configs()))
    if callable(getattr(block, "get", None)):
        return _of_secret(block.get())
    return dict(_plain({key: getattr(block, key) for key in type(block).model_fields}))


def _of_secret(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(_plain(value))
    try:
        url = make_url(_revealed(value))
    except ArgumentError:
        return {"value": _revealed(value), "password": _revealed(value), "token": _revealed(value)}
    parts = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        "dbname": url.database,
    }
    return dict(_plain({**parts, **url.query}))


def _plain(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield each field with a value, secrets revealed and nested ones with dots in their names."""
    for key, value in fields.items():
        plain = _revealed(value)
        if isinstance(plain, Mapping):
            yield from ((f"{key}.{name}", each) for name, each in _plain(plain))
        elif plain not in (None, ""):
            yield key, plain


def _revealed(value: Any) -> Any:
    if not isinstance(value, SecretStr | SecretBytes):
        return value
    revealed = value.get_secret_value()
    return revealed.decode() if isinstance(revealed, bytes) else revealed
