"""Read the names of columns as dbt writes them."""

from __future__ import annotations

# The quotes of dbt's adapters.
_QUOTES = ('""', "``", "[]")


def unquote(name: str) -> str:
    """Return the name of a column that dbt quotes for SQL, as tests on it have it in the manifest.

    >>> unquote('"full name"'), unquote("`day`"), unquote("id")
    ('full name', 'day', 'id')
    """
    is_quoted = len(name) > 2 and name[0] + name[-1] in _QUOTES
    return name[1:-1] if is_quoted else name
