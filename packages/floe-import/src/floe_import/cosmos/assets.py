"""What waits for the assets that the tasks of Cosmos update."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from floe_import.python.modules import last_name
from floe_import.report import Place, Verdict, changed, exact

# Airflow's, of all versions, and Cosmos's own function.
_USE = re.compile(r"\b(?:Dataset|Asset)(?:Alias|All|Any)?\(|\bget_dbt_dataset\b")
_CLASSES = ("Dataset", "DatasetAlias", "Asset", "AssetAlias", "AssetAll", "AssetAny")
# Cosmos's are named after a place in a warehouse, as OpenLineage names it, such as
# postgres://host/shop.public.orders: https://openlineage.io/docs/spec/naming/
_PLACES = re.compile(
    r"(?:postgres|redshift|snowflake|databricks|spark|trino|presto|clickhouse|mssql|dremio"
    r"|fabric-warehouse|awsathena|duckdb)://|(?:bigquery|arn:aws:glue:[^/]*)/"
)
# Packages whose classes have the names of Airflow's.
_OTHERS = ("google", "torch", "datasets", "huggingface_hub", "rasterio", "netCDF4", "azure")
_MOST_FILES = 5000
_LIBRARIES = ("site-packages", "node_modules", "dbt_packages", "venv")


def asset_user(dag_file: Path) -> Place | None:
    """Return the first place in the folder of DAGs that names an asset, None if none does.

    The folder is the one named `dags` around a DAG file, else the one that it is in.
    """
    parents = list(dag_file.absolute().parents)
    folder = next((each for each in parents if each.name == "dags"), parents[0])
    for file in islice(_files(folder), _MOST_FILES):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if _USE.search(text) and (line := min(_uses(text), default=0)):
            return Place(str(file), line)
    return None


def _uses(text: str) -> Iterator[int]:
    """Yield the lines of a file that name an asset for which something may wait."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        yield text.count("\n", 0, _USE.search(text).start()) + 1  # type: ignore[union-attr]
        return
    # What a task updates waits for nothing.
    ignored = {inner for node in ast.walk(tree) if _is_outlets(node) for inner in ast.walk(node)}
    others = _names_of_others(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and last_name(node) == "get_dbt_dataset":
            yield node.lineno
        elif isinstance(node, ast.Call) and last_name(node.func) in _CLASSES:
            named = [*node.args, *(k.value for k in node.keywords if k.arg != "extra")]
            is_alias = last_name(node.func).endswith("Alias")
            if node in ignored or ast.unparse(node.func).partition(".")[0] in others:
                continue
            if not named or any(_may_be_cosmos(each, is_alias) for each in named):
                yield node.lineno


def _names_of_others(tree: ast.AST) -> set[str]:
    """Return the names that a file imports from elsewhere than Airflow, as Google's `bigquery`."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if node.module.partition(".")[0] in _OTHERS
    }


def _is_outlets(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any("outlets" in ast.unparse(each).lower() for each in node.targets)
    return isinstance(node, ast.keyword) and node.arg == "outlets"


def _may_be_cosmos(node: ast.expr, is_alias: bool) -> bool:
    """Return whether an argument may be the name of an asset of Cosmos, or of an alias of one."""
    start = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    if not isinstance(start, ast.Constant):
        return True
    if not isinstance(start.value, str):
        return False
    if is_alias:
        # dag__group__task
        return start is not node or "__" in start.value
    # Of a text with values in it, what begins it may be no more than a part of the scheme.
    is_begun = start is not node and "/" not in start.value
    return is_begun or bool(_PLACES.match(start.value))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the Python files in a folder, without those of libraries."""
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            each for each in folders if each not in _LIBRARIES and each[0] not in "._"
        )
        yield from (Path(root, each) for each in sorted(files) if each.endswith(".py"))


def judge_assets(emits: bool, user: Place | None) -> Verdict:
    """Return the verdict about the assets of a group; `user` is a place that names an asset."""
    if user is None:
        said = "no file beside this one names an asset"
        if emits:
            return exact(f"{said}; floe's are floe://<product>/<node>, for DAGs elsewhere")
        return exact(f"{said}, so nothing waits for those that floe's build updates")
    if not emits:
        return changed("floe's build always updates the assets floe://<product>/<node>")
    return changed(
        f"the assets are floe://<product>/<node>: if {user} waits for one of Cosmos's, give it "
        "`floe_asset(product, node)` instead"
    )
