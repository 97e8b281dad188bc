"""The thin file that Airflow parses to find the DAGs of a compiled product."""

from __future__ import annotations

from pathlib import Path

FILENAME = "dag.py"

_TEXT = '''"""The Airflow DAGs of the product {product}, written by `floe compile`.

Airflow looks for the words "airflow" and "dag" in a file. What the DAGs hold is read from
compiled_artifacts.json in {where}.
"""

from pathlib import Path

from airflow.sdk import DAG

from floe_orchestrator_airflow import load_product_dags

DAGS: list[DAG] = load_product_dags("{product}", {folder})
globals().update({{dag.dag_id: dag for dag in DAGS}})
'''


def entry_point_text(product_name: str, folder: Path | None = None) -> str:
    """Return the text of the file; only the product's name in it varies.

    With a `folder`, return a file that is elsewhere and loads the product from that folder.
    """
    where = "this folder, which may be moved as a whole" if folder is None else "that folder"
    place = "Path(__file__).resolve().parent" if folder is None else f"Path({str(folder)!r})"
    return _TEXT.format(product=product_name, folder=place, where=where)


def is_entry_point(path: Path, product_name: str) -> bool:
    """Return whether a file is the one that floe writes for the product, not the team's own."""
    return path.read_text("utf-8", errors="replace").endswith(entry_point_text(product_name))
