"""When dbt may parse only what has changed.

dbt's partial parse is exact for models and their descriptions. After a change of a macro it keeps,
for some nodes, the macros that they depended on before, so then everything is parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

_SUFFIXES = (".sql", ".yml", ".yaml", ".md")


def is_partly_parsed(changed: Iterable[str], model_paths: Sequence[str]) -> bool:
    """Return whether dbt parses the product exactly if it parses only these files again.

    They are those that were changed, added or removed, below the product's folder.

    >>> is_partly_parsed(["models/a.sql", "models/marts/marts.yml"], ["models"])
    True
    >>> is_partly_parsed(["macros/m.sql"], ["models"]), is_partly_parsed(["floe.yaml"], ["models"])
    (False, False)
    """
    folders = [Path(each) for each in model_paths]
    return all(
        name.endswith(_SUFFIXES) and any(Path(name).is_relative_to(each) for each in folders)
        for name in changed
    )


def model_paths(folder: Path) -> Sequence[str]:
    """Return the folders of models in dbt_project.yml, as given; none if it can't be read."""
    from floe_core.foundation.errors import FloeError
    from floe_core.user_yaml.dbt_yaml import read_dbt_document

    try:
        project = read_dbt_document(folder / "dbt_project.yml", "dbt_project.yml").data
    except (FloeError, OSError):
        return ()
    given = project.get("model-paths", ["models"]) if isinstance(project, dict) else ()
    return [str(each) for each in given] if isinstance(given, list) else ()
