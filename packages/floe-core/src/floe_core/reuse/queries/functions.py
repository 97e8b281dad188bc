"""What a warehouse says of its functions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions by their names in lower case.

    The value of `steady` ones depends only on their arguments. `own` are user-defined, whatever
    else has that name; a name after a dot is of one that is called like a column (`t.full_name`).
    `implied` is one of them that queries call without its name, such as an operator, "" for none.
    """

    steady: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    implied: str = ""
