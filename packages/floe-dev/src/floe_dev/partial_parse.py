"""When dbt may parse only what has changed.

dbt's partial parse comes close to a whole one after a change of models and what describes them:
`shape_of` tells whether it is one. After a change of a macro it keeps, for some nodes, the macros
that they depended on before, and a file that was added, removed or renamed changes much else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floe_dev.dbt_project import read_dbt_project
from floe_dev.product_files import changes

_SUFFIXES = (".sql", ".yml", ".yaml")


def is_partly_parsed(
    before: Mapping[str, bytes], after: Mapping[str, bytes], model_paths: Sequence[str]
) -> bool:
    """Return whether dbt may parse only the files that differ, of name -> hash of the content.

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
